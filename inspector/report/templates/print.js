// A closed <details> prints closed: open all for printing, and close those again afterwards.
let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details:not([open])")];
  opened.forEach((element) => { element.open = true; });
});
addEventListener("afterprint", () => {
  opened.forEach((element) => { element.open = false; });
  opened = [];
});
