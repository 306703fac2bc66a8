// After a part of the page was replaced: opened details stay open, and focus goes where the server marked it.
import { say } from "./say.js";

let open = [];

document.addEventListener("htmx:beforeSwap", () => {
  open = [...document.querySelectorAll("details[id][open]")].map((details) => details.id);
});

document.addEventListener("htmx:afterSettle", () => {
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  open = [];
  document.querySelector("[data-focus]")?.focus();
});

// A refused form says so first. After a decision the next row has the focus, and what was done is said.
document.querySelector("[role=alert][data-focus], [data-next]")?.focus();
const told = document.querySelector("[data-told]");
if (told) say(told.textContent);

// Where tabs do not fit they scroll, and the open one is in sight.
const tab = document.querySelector(".tabs [aria-current]");
if (tab) tab.parentElement.scrollLeft = tab.offsetLeft - tab.parentElement.offsetLeft - 20;
