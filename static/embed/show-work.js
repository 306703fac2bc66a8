// <remit-show-work><a href="…">Show work</a></remit-show-work>: the link opens in a dialog of the page it stands in.
// Without scripts, with a modifier key, or for a link elsewhere, the browser just follows it.
const HOME = new URL(import.meta.url).origin;
const sheet = new CSSStyleSheet();
sheet.replaceSync(`
  :host { display: inline }
  dialog { color-scheme: light dark; box-sizing: border-box; width: min(1080px, 100vw); height: min(860px, 100dvh); max-width: none; max-height: none;
    padding: 0; border: 1px solid light-dark(#d3d6db, #363940); border-radius: 10px; background: light-dark(#fff, #141619); color: light-dark(#1a1d23, #eff0f3) }
  dialog[open] { display: flex; flex-direction: column }
  dialog::backdrop { background: rgb(0 0 0 / 45%) }
  header { display: flex; align-items: center; gap: 16px; padding: 6px 16px; font: 600 14px/20px system-ui, sans-serif }
  header :first-child { margin-inline-end: auto }
  a, button { min-height: 44px; display: inline-flex; align-items: center; padding: 0 8px; font: inherit; color: light-dark(#4750cd, #929bf5); background: none; border: 0; cursor: pointer }
  iframe { flex: 1; width: 100%; border: 0 }
  @media (max-width: 40em) { dialog { border: 0; border-radius: 0 } }`);

const made = (name, properties, ...children) => {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
};

class ShowWork extends HTMLElement {
  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    root.append(document.createElement("slot"));
    this.addEventListener("click", (event) => this.follow(event));
  }

  follow(event) {
    const link = event.target.closest("a[href]");
    const aside = event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
    if (!link || aside || new URL(link.href).origin !== HOME) return;
    event.preventDefault();
    this.open(link.href);
  }

  open(address) {
    const close = made("button", { type: "button" }, "Close");
    const page = made("a", { href: address, target: "_blank", rel: "noopener" }, "Open as a page");
    // A finished page runs no script, by its own policy; a running one asks Remit for what is new by Remit's own.
    const sandbox = "allow-same-origin allow-forms allow-scripts";
    const frame = made("iframe", { title: "Show work", referrerPolicy: "no-referrer", sandbox, src: address });
    const dialog = made("dialog", {}, made("header", {}, made("span", {}, "Show work"), page, close), frame);
    dialog.setAttribute("aria-label", "Show work");
    close.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => dialog.remove());
    this.shadowRoot.append(dialog);
    dialog.showModal();
  }
}

customElements.define("remit-show-work", ShowWork);
