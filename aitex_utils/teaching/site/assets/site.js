// What pages of the course do beyond HTML: formulas, colours, search, slider states, and keyboard access to wide areas.
"use strict";

function renderFormulas() {
  if (!window.katex) return;
  for (const element of document.querySelectorAll(".math")) {
    const options = { displayMode: element.tagName === "DIV", throwOnError: false };
    katex.render(element.textContent, element, options);
  }
}

function setUpTheme() {
  const button = document.getElementById("site-theme");
  const names = { auto: "as the system", light: "light", dark: "dark" };
  const show = (theme) => {
    document.documentElement.dataset.theme = theme;
    button.textContent = `Colours: ${names[theme]}`;
  };
  const current = document.documentElement.dataset.theme;
  show(current in names ? current : "auto");
  button.addEventListener("click", () => {
    const order = Object.keys(names);
    const theme = order[(order.indexOf(document.documentElement.dataset.theme) + 1) % order.length];
    show(theme);
    try {
      localStorage.setItem("course-theme", theme);
    } catch (error) {
      // Without storage, the choice holds for this page.
    }
  });
}

// An area that scrolls sideways can be reached and scrolled with the keyboard.
function markScrollable() {
  for (const area of document.querySelectorAll(".scroll")) {
    const isWide = area.scrollWidth > area.clientWidth + 1;
    if (isWide) {
      area.tabIndex = 0;
      area.setAttribute("role", "region");
      area.setAttribute("aria-label", area.dataset.label);
    } else {
      for (const name of ["tabindex", "role", "aria-label"]) area.removeAttribute(name);
    }
  }
}

// The first still image stays; a slider chooses which of the images stands beside it.
function addSteppers() {
  document.querySelectorAll(".states").forEach((states, index) => {
    const figures = [...states.querySelectorAll("figure")];
    const control = document.createElement("p");
    const id = `state-${index}`;
    control.className = "state-control";
    control.innerHTML = `<label for="${id}">Image beside the first: <output for="${id}"></output></label>
      <input id="${id}" type="range" min="1" max="${figures.length}" step="1" value="2">`;
    const slider = control.querySelector("input");
    const choose = () => {
      const chosen = Number(slider.value) - 1;
      figures.forEach((figure, place) => figure.classList.toggle("put-away", place !== 0 && place !== chosen));
      control.querySelector("output").textContent = `${chosen + 1} of ${figures.length}`;
      slider.setAttribute("aria-valuetext", figures[chosen].querySelector("img").alt);
    };
    slider.addEventListener("input", choose);
    states.before(control);
    choose();
  });
}

const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

function find(words) {
  const found = [];
  for (const [address, page, heading, text] of window.courseIndex) {
    const [inPage, inHeading, inText] = [page, heading, text].map(plain);
    let points = 0;
    for (const word of words) {
      const hits = 8 * inHeading.includes(word) + 4 * inPage.includes(word) + Math.min(3, inText.split(word).length - 1);
      if (!hits) {
        points = 0;
        break;
      }
      points += hits;
    }
    if (points) found.push({ points, address, page, heading, text });
  }
  return found.sort((a, b) => b.points - a.points);
}

// Returns the text around the first word that occurs in it, with that word marked.
function excerpt(text, words) {
  const paragraph = document.createElement("p");
  const lower = text.toLowerCase();
  const places = words.map((word) => lower.indexOf(word)).filter((place) => place >= 0);
  const start = places.length ? Math.min(...places) : 0;
  const word = words.find((candidate) => lower.startsWith(candidate, start)) || "";
  const from = Math.max(0, start - 60);
  paragraph.append((from ? "... " : "") + text.slice(from, start));
  const mark = document.createElement("mark");
  mark.textContent = text.slice(start, start + word.length);
  paragraph.append(mark, text.slice(start + word.length, start + 120));
  return paragraph;
}

function setUpSearch() {
  const input = document.getElementById("site-search");
  const results = document.getElementById("site-results");
  const [status, list] = [results.querySelector("[role=status]"), results.querySelector("ol")];
  let isLoading = false;
  const search = () => {
    if (!window.courseIndex) return;
    const words = plain(input.value).split(/\s+/).filter(Boolean);
    list.replaceChildren();
    results.hidden = !words.length;
    if (!words.length) return;
    const found = find(words);
    const shown = found.slice(0, 20);
    status.textContent = found.length
      ? `${found.length} ${found.length === 1 ? "section" : "sections"} found` +
        (found.length > shown.length ? `, the first ${shown.length} are shown` : "")
      : "No section contains all these words.";
    for (const { address, page, heading, text } of shown) {
      const entry = document.createElement("li");
      const link = document.createElement("a");
      link.href = address;
      link.textContent = heading && heading !== page ? `${page}: ${heading}` : page;
      link.addEventListener("click", () => close());
      entry.append(link, excerpt(text, words));
      list.append(entry);
    }
  };
  const load = () => {
    if (isLoading) return;
    isLoading = true;
    const script = document.createElement("script");
    script.src = "assets/search-index.js";
    script.onload = search;
    document.head.append(script);
  };
  const close = () => {
    input.value = "";
    results.hidden = true;
  };
  input.addEventListener("focus", load);
  input.addEventListener("input", () => {
    load();
    search();
  });
  input.form.addEventListener("submit", (event) => {
    event.preventDefault();
    list.querySelector("a")?.focus();
  });
  document.querySelector("header").addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !results.hidden) {
      close();
      input.focus();
    }
  });
}

// A printed page shows what is folded on the screen.
function setUpPrinting() {
  const opened = [];
  window.addEventListener("beforeprint", () => {
    for (const box of document.querySelectorAll("main details:not([open])")) {
      box.open = true;
      opened.push(box);
    }
  });
  window.addEventListener("afterprint", () => {
    for (const box of opened.splice(0)) box.open = false;
  });
}

renderFormulas();
setUpTheme();
addSteppers();
setUpSearch();
setUpPrinting();
markScrollable();
window.addEventListener("resize", markScrollable);
window.addEventListener("load", markScrollable);
document.addEventListener("toggle", markScrollable, true);
