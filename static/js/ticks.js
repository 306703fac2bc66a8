// The button of a rollback names its effect: how many fields are ticked now. Without scripts it says "what is ticked".
const name = (button) => {
  const ticked = (field) => button.form.querySelectorAll(`input[name=${field}]:checked`).length;
  const fields = ticked("field");
  const whole = `Restore ${fields} field${fields === 1 ? "" : "s"}`;
  button.textContent = fields && !ticked("call") ? whole : "Undo what is ticked";
};

document.querySelectorAll("[data-ticked]").forEach(name);
document.addEventListener("change", (event) => {
  event.target.form?.querySelectorAll("[data-ticked]").forEach(name);
});
