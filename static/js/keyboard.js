// Single keys outside fields. People can switch them off in the dialog that `?` opens.
import { say } from "./say.js";

const PLACES = { h: "/", a: "/approvals/", t: "/traces/", p: "/policies/" };
const STEPS = { j: ["[data-row]", 1], k: ["[data-row]", -1], "]": ["[data-exception]", 1], "[": ["[data-exception]", -1] };
const OFF = "single-keys-off";
const typing = (target) => target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
const isOff = () => localStorage.getItem(OFF) === "yes";
let choosingPlace = false;
let stood = null;
// The button whose key was pressed before the reason it needs was typed: Ctrl Enter then presses it, and no other.
let meant = null;

const step = (selector, by) => {
  const all = [...document.querySelectorAll(selector)];
  if (!all.length) return false;
  // A button that steps has taken the focus, so the place is remembered.
  const here = all.indexOf(document.activeElement);
  const at = here < 0 ? all.indexOf(stood) : here;
  stood = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1)];
  stood.focus();
  return true;
};

const askReason = (button, field) => {
  field.focus();
  meant = button;
  field.addEventListener("blur", () => { meant = null; }, { once: true });
  say(`Write why. Then Control Enter: ${button.textContent.trim()}`);
};

const press = (key) => {
  const marked = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  const needed = marked?.dataset.needs && document.getElementById(marked.dataset.needs);
  if (needed && !needed.value.trim()) askReason(marked, needed);
  else if (marked) marked.matches("input, textarea") ? marked.focus() : marked.click();
  return Boolean(marked) || Boolean(STEPS[key] && step(...STEPS[key]));
};

// On a row of a list, Space ticks it; on the box itself the browser does.
const tick = () => {
  const box = document.activeElement?.closest("[data-row]")?.parentElement.querySelector("input[type=checkbox]");
  box?.click();
  return Boolean(box);
};

const single = (key) => {
  if (key === " ") return tick();
  if (choosingPlace) {
    choosingPlace = false;
    if (PLACES[key]) location.assign(PLACES[key]);
    return Boolean(PLACES[key]);
  }
  choosingPlace = key === "g";
  return choosingPlace || press(key);
};

// The filled button, so that an irreversible one still asks twice.
const send = (form) => {
  const main = meant ?? form?.querySelector("[data-kind=solid], [data-kind=danger]");
  return main ? main.click() : form?.requestSubmit();
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey && event.key === "Enter") return send(event.target.closest("form"));
  // The first Esc leaves the field, the next one the form: a slip does not lose what was typed.
  if (event.key === "Escape") return typing(event.target) ? event.target.blur() : document.querySelector("[data-escape]")?.click();
  const held = event.ctrlKey || event.metaKey || event.altKey;
  if (held || typing(event.target) || isOff() || document.querySelector("dialog[open]")) return undefined;
  if (single(event.key)) event.preventDefault();
  return undefined;
});

document.addEventListener("click", (event) => {
  const stepper = event.target.closest("[data-step]");
  if (stepper) step(...STEPS[stepper.dataset.step]);
  const opener = event.target.closest("[data-open]");
  if (opener) document.getElementById(opener.dataset.open).showModal();
});

const choice = document.querySelector("[data-single-keys]");
if (choice) {
  choice.checked = !isOff();
  choice.addEventListener("change", () => localStorage.setItem(OFF, choice.checked ? "no" : "yes"));
}
