// A form with data-passkey asks this browser's passkeys, puts the answer in and sends itself. The server checks everything.
const ask = async (form) => {
  const body = new URLSearchParams({ csrfmiddlewaretoken: form.elements.csrfmiddlewaretoken.value });
  const answer = await fetch(form.dataset.options, { method: "POST", body, redirect: "error" });
  if (!answer.ok) throw new Error("The server did not ask. Load the page again.");
  const { challenge, publicKey } = await answer.json();
  const made =
    form.dataset.passkey === "create"
      ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey) })
      : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey) });
  form.elements.challenge.value = challenge;
  form.elements.answer.value = JSON.stringify(made.toJSON());
};

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-passkey]");
  if (!form || form.elements.answer?.value || !form.elements.answer) return;
  event.preventDefault();
  const said = form.querySelector("[data-said]");
  said.textContent = "Your browser asks you now.";
  try {
    await ask(form);
    form.submit();
  } catch (problem) {
    said.textContent = `No passkey answered: ${problem.message}`;
  }
});
