// Asks the authenticator and sends its answer with the form. Everything else on these pages works without script.
"use strict";
const form = document.getElementById("passkey");
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

async function ask() {
  const options = JSON.parse(form.dataset.options);
  options.challenge = bytes(options.challenge);
  options.allowCredentials = options.allowCredentials.map((one) => ({ ...one, id: bytes(one.id) }));
  const made = await navigator.credentials.get({ publicKey: options });
  const { clientDataJSON, authenticatorData, signature, userHandle } = made.response;
  form.elements.credential.value = JSON.stringify({
    id: made.id,
    rawId: text(made.rawId),
    type: made.type,
    response: {
      clientDataJSON: text(clientDataJSON),
      authenticatorData: text(authenticatorData),
      signature: text(signature),
      userHandle: userHandle && text(userHandle),
    },
  });
  form.submit();
}

form.hidden = false;
form.addEventListener("submit", (event) => {
  event.preventDefault();
  ask().catch(() => {
    document.getElementById("failed").hidden = false;
  });
});
