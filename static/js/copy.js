// Copies an id or, where data-copy is empty, the address of the page.
import { say } from "./say.js";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const text = button.dataset.copy || location.href;
  try {
    await navigator.clipboard.writeText(text);
    button.classList.add("copied");
    setTimeout(() => button.classList.remove("copied"), 1500);
    say("Copied.");
  } catch {
    say(`Copying is blocked in this browser. Select and copy ${text}`);
  }
});
