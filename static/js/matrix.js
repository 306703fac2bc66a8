// The tier matrix as one tab stop: arrows move, 0 to 4 set the tier, Enter opens the cell. Without this, every cell is a link.
import { say } from "./say.js";

const MODES = { 0: "off", 1: "", 2: "draft", 3: "approval", 4: "auto" };
const MOVES = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
let wanted = "";

const rows = (grid) =>
  [...grid.querySelectorAll("tr")].map((row) => [...row.querySelectorAll(".cell")]).filter((cells) => cells.length);

const rest = (grid, cell) => {
  for (const other of grid.querySelectorAll(".cell")) other.tabIndex = other === cell ? 0 : -1;
};

const start = () => {
  for (const grid of document.querySelectorAll("[data-grid]")) {
    const cell = grid.querySelector("[aria-current]") || grid.querySelector(".cell");
    if (cell) rest(grid, cell);
  }
};

const move = (grid, cell, [down, across]) => {
  const all = rows(grid);
  const row = all.findIndex((cells) => cells.includes(cell));
  const column = all[row].indexOf(cell);
  const next = (all[row + down] || all[row])[column + across];
  if (!next) return;
  rest(grid, next);
  next.focus();
};

const set = (cell, mode) => {
  const form = document.querySelector("#set-cell");
  if (mode === "" && !cell.hasAttribute("data-reads")) return say("Read is for tools that only read. Press 0, 2, 3 or 4.");
  if (mode === "approval" && !cell.dataset.route) return say("There are no approval steps yet. Add them first.");
  form.elements.role.value = cell.dataset.role;
  form.elements.tool.value = cell.dataset.tool;
  form.elements.was.value = cell.dataset.was;
  form.elements.mode.value = mode;
  form.elements.route.value = mode === "approval" ? cell.dataset.route : "";
  wanted = `#${CSS.escape(cell.id)}`;
  return form.requestSubmit();
};

document.addEventListener("keydown", (event) => {
  const cell = event.target.closest?.(".cell");
  if (!cell || event.ctrlKey || event.metaKey || event.altKey) return;
  const grid = cell.closest("[data-grid]");
  if (MOVES[event.key]) move(grid, cell, MOVES[event.key]);
  else if (event.key in MODES && grid.hasAttribute("data-edit")) set(cell, MODES[event.key]);
  else return;
  event.preventDefault();
});

document.addEventListener("click", (event) => {
  if (event.target.closest(".cell")) wanted = "#id_mode";
});

document.addEventListener("htmx:afterSettle", (event) => {
  start();
  // A poll that comes in between is not the answer: nothing is saved yet.
  if (!wanted || event.detail.requestConfig?.elt.hasAttribute("data-poll")) return;
  const cell = document.querySelector(wanted);
  if (cell?.matches(".cell")) {
    rest(cell.closest("[data-grid]"), cell);
    say(`${cell.getAttribute("aria-label")}. Saved.`);
  }
  cell?.focus({ preventScroll: cell.matches(".cell") });
  wanted = "";
});

start();
