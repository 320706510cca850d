// The three steps: log in, keep the token in the page only, call the API with it.
const getElement = (id) => document.getElementById(id);

async function sendRequest(path, options) {
  // Without credentials, the browser never asks for a password after a 401.
  const answer = await fetch(path, { credentials: "omit", ...options });
  const title = `${answer.status} ${answer.statusText}`;
  return { ok: answer.ok, title, body: await answer.json() };
}

function showAnswer(element, answer) {
  element.className = answer.ok ? "good" : "bad";
  element.textContent = `${answer.title}\n${JSON.stringify(answer.body, null, 2)}`;
}

function onSubmit(form, status, step) {
  getElement(form).addEventListener("submit", async (event) => {
    event.preventDefault();
    event.submitter.disabled = true;
    getElement(status).textContent = "";
    try {
      await step();
    } catch (error) {
      const failure = { ok: false, title: "The API does not answer.", body: String(error) };
      showAnswer(getElement(status), failure);
    }
    event.submitter.disabled = false;
  });
}

onSubmit("login", "refusal", async () => {
  const user = { email: getElement("email").value, password: getElement("password").value };
  const answer = await sendRequest("login", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(user),
  });
  if (answer.ok) {
    getElement("token").value = answer.body.response.user.authentication_token;
    getElement("password").value = "";
    getElement("token").focus();
  } else {
    showAnswer(getElement("refusal"), answer);
  }
});

onSubmit("call", "answer", async () => {
  const headers = { Authorization: `Bearer ${getElement("token").value.trim()}` };
  showAnswer(getElement("answer"), await sendRequest("dummy-api/", { headers }));
});
