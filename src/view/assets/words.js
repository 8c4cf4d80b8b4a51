// The words of the page, by language: words.json has each in every language, and a language is added there alone.
const WORDS = await (await fetch("/words.json")).json();
const LANGUAGES = Object.keys(WORDS["language.name"]);
const CHOSEN = "language";

function chosen() {
  const wanted = [localStorage.getItem(CHOSEN), ...navigator.languages.map((tag) => tag.split("-")[0])];
  return wanted.find((language) => LANGUAGES.includes(language)) ?? LANGUAGES[0];
}

const language = chosen();
document.documentElement.lang = language;

// The word, with `{name}` replaced by the value of that name. What has no word is shown as it is.
export function word(key, values = {}) {
  const text = WORDS[key]?.[language] ?? key.split(".").at(-1).replaceAll("_", " ");
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

// Fills in every element that names its word.
export function fillIn(within = document) {
  for (const element of within.querySelectorAll("[data-word]")) element.textContent = word(element.dataset.word);
}

// Lets the reader choose.
export function offerLanguages(select) {
  select.replaceChildren(...LANGUAGES.map((of) => new Option(WORDS["language.name"][of], of, false, of === language)));
  select.addEventListener("change", () => {
    localStorage.setItem(CHOSEN, select.value);
    location.reload();
  });
}
