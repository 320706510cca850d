// The three steps: log in, keep the token in the page alone, call the API with it.
const find = (id) => document.getElementById(id);

async function send(path, options) {
  // Without credentials: a refusal never makes the browser ask for a password.
  const answer = await fetch(path, { credentials: "omit", ...options });
  const title = `${answer.status} ${answer.statusText}`;
  return { ok: answer.ok, title, body: await answer.json() };
}

function show(element, answer) {
  element.className = answer.ok ? "good" : "bad";
  element.textContent = `${answer.title}\n${JSON.stringify(answer.body, null, 2)}`;
}

function onSubmit(form, status, step) {
  find(form).addEventListener("submit", async (event) => {
    event.preventDefault();
    event.submitter.disabled = true;
    find(status).textContent = "";
    try {
      await step();
    } catch (error) {
      show(find(status), { ok: false, title: "The API does not answer.", body: String(error) });
    }
    event.submitter.disabled = false;
  });
}

onSubmit("login", "refusal", async () => {
  const answer = await send("login", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ email: find("email").value, password: find("password").value }),
  });
  if (answer.ok) {
    find("token").value = answer.body.response.user.authentication_token;
    find("password").value = "";
    find("token").focus();
  } else {
    show(find("refusal"), answer);
  }
});

onSubmit("call", "answer", async () => {
  const headers = { Authorization: `Bearer ${find("token").value.trim()}` };
  show(find("answer"), await send("dummy-api/", { headers }));
});
