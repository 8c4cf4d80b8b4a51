// Log-in of people who have an account.
import { at, fillInPage } from "/page.js";
import { word } from "/words.js";

fillInPage();
at("log-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = JSON.stringify({ name: at("name").value, password: at("password").value });
  try {
    const answer = await fetch("/login", { method: "POST", body });
    if (answer.ok) location.assign("/");
    else at("answer").textContent = answer.status === 401 ? word("wrong_log_in") : await answer.text();
  } catch (error) {
    at("answer").textContent = word("no_answer");
  }
});
