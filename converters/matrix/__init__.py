"""Every system of the zoo by every recipe: what each weighs, reads, takes and executes, and which one ships.

`survey` walks over the systems and recipes; `examiner` and `instructions` keep what takes long in the cache, so that a
run that was stopped goes on where it was; `outcome` is what is known in the end; `sums` holds the shipped bundles to
what the papers publish; `tables` shows it all.
"""
