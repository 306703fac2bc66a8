// Keyboard, copy, theme, focus. Every action here has a visible control that works without it.
const typing = (target) => target.closest("input, textarea, select, [contenteditable]");
const go = { h: "/", a: "/approvals/", t: "/traces/", p: "/policies/" };
let waitingForPlace = false;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey && event.key === "Enter") {
    event.target.closest("form")?.requestSubmit();
    return;
  }
  if (event.key === "Escape" && typing(event.target)) {
    event.target.blur();
    return;
  }
  if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (waitingForPlace) {
    waitingForPlace = false;
    if (go[event.key]) location.assign(go[event.key]);
    return;
  }
  if (event.key === "g") {
    waitingForPlace = true;
    return;
  }
  const marked = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (marked) {
    event.preventDefault();
    marked.matches("input, textarea") ? marked.focus() : marked.click();
  }
});

document.addEventListener("click", async (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    await navigator.clipboard.writeText(copy.dataset.copy === "" ? location.href : copy.dataset.copy);
    document.querySelector("#live").textContent = "Copied.";
  }
  const theme = event.target.closest("[data-set-theme]");
  if (theme) {
    const now = getComputedStyle(document.documentElement).colorScheme;
    const dark = document.documentElement.dataset.theme ? now === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    document.documentElement.dataset.theme = dark ? "light" : "dark";
    document.cookie = `theme=${document.documentElement.dataset.theme}; path=/; max-age=31536000; samesite=lax`;
  }
  const twice = event.target.closest("[data-confirm]");
  if (twice && !twice.dataset.armed) {
    event.preventDefault();
    const label = twice.querySelector("[data-label]") || twice;
    label.textContent = twice.dataset.confirm;
    twice.disabled = true;
    setTimeout(() => {
      twice.disabled = false;
      twice.dataset.armed = "yes";
      twice.focus();
    }, 600);
  }
});

document.addEventListener("htmx:afterSettle", () => document.querySelector("[data-focus]")?.focus());
