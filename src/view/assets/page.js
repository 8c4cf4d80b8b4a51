// What all pages share.
import { fillIn, offerLanguages, word } from "/words.js";

const PAGES = { "/": "live", "/review": "review_parts", "/teach": "teach" };

export const VERDICTS = ["pass", "review", "reject"];

export const at = (id) => document.getElementById(id);

export const figures = (value, digits = 1) => (value === null || value === undefined ? "–" : value.toFixed(digits));

export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// An element with attributes and children; texts are never read as markup.
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  Object.assign(element, attributes);
  element.append(...children);
  return element;
}

// Lines of a table: `{cells, active}`; the first is its head if `head`.
export function rows(table, lines, head) {
  table.replaceChildren(...lines.map(({ cells, active }, i) => {
    const row = make("tr", { className: active ? "active" : "" });
    row.append(...cells.map((text) => make(head && i === 0 ? "th" : "td", { textContent: text })));
    return row;
  }));
}

// The answer as JSON, or an error with its text and status. Whoever is not logged in any more is shown where to.
export async function ask(path, options) {
  const answer = await fetch(path, options);
  if (answer.status === 401 && (await session).accounts) location.assign("/login");
  if (!answer.ok) throw Object.assign(new Error((await answer.text()).trim()), { status: answer.status });
  return answer.json();
}

// Posts what a person asks for, with the token where the page has one. What may let parts pass that do not now is asked for
// again once the person has said so.
export async function authorised(path, body) {
  const headers = at("token")?.value ? { Authorization: `Bearer ${at("token").value}` } : {};
  const answer = await fetch(path, { method: "POST", headers, body });
  const text = (await answer.text()).trim();
  if (answer.status === 409 && text.includes("loosen") && window.confirm(text)) return authorised(path, `${body} loosen`);
  return { text, status: answer.status };
}

// The same, or an error with the station's text where it is refused.
export async function send(path, body) {
  const { text, status } = await authorised(path, body);
  if (status !== 200) throw new Error(text);
  return text;
}

export function fillInPage() {
  fillIn();
  for (const element of document.querySelectorAll("[data-label]")) element.ariaLabel = word(element.dataset.label);
  offerLanguages(at("language"));
}

// Who is logged in, and what that person may do: `{accounts, name, role, may}`.
export const session = fetch("/session").then((answer) => answer.json());

// Shows what whoever is logged in may do, or whoever has the token.
function offer({ accounts, may }) {
  at("token-label").hidden = accounts;
  for (const element of document.querySelectorAll("[data-deed]")) element.hidden = !may.includes(element.dataset.deed);
}

// Fills in the page, the way to the other pages, who is logged in, and what that person may do.
export async function begin() {
  fillInPage();
  const who = await session;
  offer(who);
  const { name, role } = who;
  const links = Object.entries(PAGES).map(([href, key]) => make("a", { href, textContent: word(key), ariaCurrent: href === location.pathname ? "page" : "false" }));
  at("pages").append(...links);
  if (!name) return;
  const out = make("button", { type: "button", id: "log-out", textContent: word("log_out") });
  out.addEventListener("click", async () => {
    await fetch("/logout", { method: "POST" });
    location.assign("/login");
  });
  at("pages").append(make("span", { id: "who", textContent: `${name} (${word(`role.${role}`)})` }), out);
}
