// After a part of the page was replaced: opened details stay open, and focus goes where the server marked it.
let open = [];

document.addEventListener("htmx:beforeSwap", () => {
  open = [...document.querySelectorAll("details[id][open]")].map((details) => details.id);
});

document.addEventListener("htmx:afterSettle", () => {
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  open = [];
  document.querySelector("[data-focus]")?.focus();
});

// A refused form says so first.
document.querySelector("[role=alert][data-focus]")?.focus();
