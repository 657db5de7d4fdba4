"""Which recipe for which model: every one scored by itself, chosen on one half of the pictures, reported on the other.

`halves` tells the halves apart; `alone` shows pictures to one model of a system; `examiner` scores it, `timing` times
it; `walk` goes over the recipes and takes one; `outcome` is what is known in the end; `tables` shows it.
"""
