// An irreversible button is pressed twice in place: the second press names the effect and is live after 600 ms.
const WAIT_MS = 600;

const label = (button) => button.querySelector("[data-label]") || button;

const disarm = (button) => {
  if (!button.dataset.armed) return;
  label(button).textContent = button.dataset.first;
  delete button.dataset.armed;
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-confirm]");
  if (!button || button.dataset.armed) return;
  event.preventDefault();
  button.dataset.first = label(button).textContent;
  label(button).textContent = button.dataset.confirm;
  button.disabled = true;
  setTimeout(() => {
    button.disabled = false;
    button.dataset.armed = "yes";
    button.focus();
  }, WAIT_MS);
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") document.querySelectorAll("[data-armed]").forEach(disarm);
});
