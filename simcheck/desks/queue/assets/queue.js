// What the queue and the case pages do by themselves; all of it is there without this file too.
//   data-load="…#id"  what stands at this address under this id is put in place of what is there: at once; in
//                     <details> when it opens, into what is marked data-place
//   data-binds="…"    a decision: counts the seconds in which it can be undone
"use strict";
(() => {
  const load = async (box, place) => {
    if ("loaded" in box.dataset) return;
    box.dataset.loaded = "";
    const [address, id] = box.dataset.load.split("#");
    try {
      const answer = await fetch(address, { redirect: "error" });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const found = page.getElementById(id);
      if (found) place.replaceChildren(...document.adoptNode(found).childNodes);
    } catch {
      delete box.dataset.loaded; // the link is still there
    }
  };
  for (const box of document.querySelectorAll("[data-load]")) {
    if (box.tagName !== "DETAILS") load(box, box);
    else box.addEventListener("toggle", () => { if (box.open) load(box, box.querySelector("[data-place]")); });
  }

  const began = performance.now();
  for (const bar of document.querySelectorAll("[data-binds]")) {
    const seconds = (Date.parse(bar.dataset.binds) - Date.parse(bar.dataset.now)) / 1000;
    const left = bar.querySelector("[data-left]"), text = left.dataset.left;
    left.hidden = false;
    bar.querySelector("[data-until]").hidden = true;
    const count = () => {
      const rest = Math.ceil(seconds - (performance.now() - began) / 1000);
      left.textContent = text.replace("{n}", Math.max(rest, 0));
      if (rest > 0) return;
      clearInterval(timer);
      const form = bar.querySelector("form");
      if (form.contains(document.activeElement)) document.getElementById("main").focus();
      left.hidden = form.hidden = true;
      bar.querySelector("[data-over]").hidden = false;
      bar.classList.add("done");
    };
    const timer = setInterval(count, 250);
    count();
  }
})();
