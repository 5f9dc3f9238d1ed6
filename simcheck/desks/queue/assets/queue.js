// What the queue and the case pages do by themselves; all of it is there without this file too.
//   data-load="…"     on <details>: what stands at this address under #facets is put into it when it opens
//   data-binds="…"    a decision: counts the seconds in which it can be undone
"use strict";
(() => {
  for (const box of document.querySelectorAll("details[data-load]")) {
    box.addEventListener("toggle", async () => {
      if (!box.open || "loaded" in box.dataset) return;
      box.dataset.loaded = "";
      try {
        const answer = await fetch(box.dataset.load, { redirect: "error" });
        if (!answer.ok) return;
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const found = page.getElementById("facets");
        if (found) box.querySelector(".panel").replaceChildren(...document.adoptNode(found).childNodes);
      } catch {
        delete box.dataset.loaded; // the link is still there
      }
    });
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
