const audio = document.querySelector("audio");
const scroll = document.querySelector(".scroll");
const playhead = document.querySelector(".playhead");
const origin = Number(scroll.dataset.origin);
const strips = [...document.querySelectorAll(".strip")];
const buttons = [...document.querySelectorAll(".zoom button")];
let scale = Number(strips.find((strip) => !strip.hidden).dataset.scale);

const x = (seconds) => origin + seconds * scale;
const seconds = (position) => Math.max(0, (position - origin) / scale);

function follow() {
  playhead.style.left = `${x(audio.currentTime)}px`;
  playhead.hidden = false;
  const left = x(audio.currentTime) - scroll.scrollLeft;
  if (!audio.paused && (left < 0 || left > scroll.clientWidth * 0.8)) {
    scroll.scrollLeft = x(audio.currentTime) - scroll.clientWidth * 0.2;
  }
  if (!audio.paused) requestAnimationFrame(follow);
}

function zoom(next) {
  const middle = seconds(scroll.scrollLeft + scroll.clientWidth / 2);
  scale = next;
  for (const strip of strips) strip.hidden = Number(strip.dataset.scale) !== scale;
  for (const button of buttons) button.setAttribute("aria-pressed", Number(button.dataset.scale) === scale);
  scroll.scrollLeft = x(middle) - scroll.clientWidth / 2;
  if (!playhead.hidden) follow();
}

for (const button of buttons) button.addEventListener("click", () => zoom(Number(button.dataset.scale)));
for (const event of ["play", "seeked", "timeupdate"]) audio.addEventListener(event, follow);
scroll.addEventListener("click", (event) => {
  const position = event.clientX - scroll.getBoundingClientRect().left + scroll.scrollLeft;
  audio.currentTime = seconds(position);
  follow();
});
audio.addEventListener("error", () => { audio.hidden = true; });
