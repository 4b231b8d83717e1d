// Right and left turn slides, and right first shows the answer to a question. Home and End go to the ends, n shows the notes, o shows all slides, f fills the screen.
const body = document.body, slides = [...document.querySelectorAll(".slide")], notes = [...document.querySelectorAll(".notes")];
let at = Math.min(Math.max(parseInt(location.hash.slice(1), 10) || 1, 1), slides.length) - 1;
function fit() {
  const height = innerHeight * (body.classList.contains("noted") ? 0.62 : 1);
  const scale = Math.min(innerWidth / 1280, height / 720);
  const move = `scale(${scale}) translate(-50%, ${-360 - (innerHeight - height) / 2 / scale}px)`;
  slides.forEach((slide) => { slide.style.transform = move; });
}
function show(next) {
  at = Math.min(Math.max(next, 0), slides.length - 1);
  [slides, notes].forEach((list) => list.forEach((one, i) => one.classList.toggle("shown", i === at)));
  history.replaceState(null, "", `#${at + 1}`);
  if (body.classList.contains("all")) slides[at].scrollIntoView({ block: "nearest" });
}
function forward() {
  if (slides[at].classList.contains("waiting") && !body.classList.contains("all")) return slides[at].classList.remove("waiting");
  if (at + 1 < slides.length && slides[at + 1].classList.contains("asking")) slides[at + 1].classList.add("waiting");
  show(at + 1);
}
function toggle(name) { body.classList.toggle(name); fit(); show(at); }
const keys = {
  ArrowRight: forward, PageDown: forward, " ": forward, ArrowDown: forward,
  ArrowLeft: () => show(at - 1), PageUp: () => show(at - 1), Backspace: () => show(at - 1), ArrowUp: () => show(at - 1),
  Home: () => show(0), End: () => show(slides.length - 1), n: () => toggle("noted"), o: () => toggle("all"),
  Enter: () => body.classList.contains("all") && toggle("all"), Escape: () => body.classList.contains("all") && toggle("all"),
  f: () => (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen()),
};
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});
slides.forEach((slide, i) => slide.addEventListener("click", () => {
  if (body.classList.contains("all")) { show(i); toggle("all"); }
}));
addEventListener("resize", fit);
body.classList.add("script");
fit();
show(at);
