"use strict";
// Without this the page shows everything; with it, what the reader asks for.

const form = document.getElementById("filter");
const rows = [...document.querySelectorAll("[data-where]")].map((row) => ({
  element: row,
  words: row.textContent.normalize("NFKC").toLowerCase(),
  ...row.dataset,
}));
const groups = [...document.querySelectorAll(".page")];

function show() {
  const { words, where, right, sure, counts } = Object.fromEntries(new FormData(form));
  const wanted = words.normalize("NFKC").toLowerCase().split(/\s+/);
  let shown = 0;
  for (const row of rows) {
    const fits =
      (!where || row.where === where) &&
      (!right || row.right === right) &&
      (!sure || "sure" in row) &&
      (!counts || "counts" in row) &&
      wanted.every((word) => row.words.includes(word));
    row.element.hidden = !fits;
    shown += fits;
  }
  // A page on which boxes only moved has no rows: it goes as soon as anything is asked for.
  for (const page of groups) {
    page.hidden = shown < rows.length && !page.querySelector("[data-where]:not([hidden])");
  }
  form.elements.shown.value = `${shown} of ${rows.length} shown`;
}

form.addEventListener("input", show);
form.addEventListener("reset", () => setTimeout(show));
form.addEventListener("submit", (event) => event.preventDefault());
form.hidden = false;
show();
