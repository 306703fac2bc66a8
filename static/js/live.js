// Pages that change by themselves: polls rest in hidden tabs, a lost connection is said, time left is kept true.
import { say } from "./say.js";

let lastAnswer = Date.now();
const poll = (element) => element.closest?.("[data-poll]");

document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && poll(event.detail.elt)) event.preventDefault();
});

document.addEventListener("htmx:afterRequest", (event) => {
  if (!poll(event.detail.elt)) return;
  const strip = document.querySelector("#stale");
  if (event.detail.successful) lastAnswer = Date.now();
  strip.hidden = event.detail.successful;
  strip.querySelector("span").textContent = `${Math.round((Date.now() - lastAnswer) / 1000)} s ago`;
});

document.addEventListener("htmx:beforeRequest", (event) => {
  if (!poll(event.detail.elt)) document.querySelector("main").setAttribute("aria-busy", "true");
});
document.addEventListener("htmx:afterRequest", () => document.querySelector("main").removeAttribute("aria-busy"));

const SOON = 30;
const LAST_CALL = 5;

const left = (element) => Math.floor((new Date(element.dataset.due) - Date.now()) / 60000);

const words = (minutes) => {
  if (minutes < 0) return "Overdue";
  return minutes >= 120 ? `${Math.floor(minutes / 60)} h left` : `${Math.max(minutes, 1)} min left`;
};

setInterval(() => {
  for (const element of document.querySelectorAll("[data-due]")) {
    const minutes = left(element);
    element.querySelector("span").textContent = words(minutes);
    element.dataset.urgency = minutes < 0 ? "overdue" : minutes <= SOON ? "soon" : "later";
    if (minutes === LAST_CALL && element.matches(".pill")) say("5 minutes left to decide.");
  }
}, 60000);
