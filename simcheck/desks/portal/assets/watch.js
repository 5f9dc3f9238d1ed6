// Batches that move are followed by server-sent events. Without this file the page is reloaded by hand.
//   data-watched="URL"   where the events come from; with data-reload the page is loaded anew at the end
//   data-batch="ID"      what shows one: its .badge, and a progress
//   data-newer           shown when there is one that the page does not have
//   data-told            says changes to screen readers
"use strict";
(() => {
  const place = document.querySelector("[data-watched]");
  if (!place) return;
  const told = document.querySelector("[data-told]"), newer = document.querySelector("[data-newer]");
  const source = new EventSource(place.dataset.watched);

  const show = (line, batch) => {
    const badge = line.querySelector(".badge"), bar = line.querySelector("progress");
    if (badge.textContent !== batch.words) badge.textContent = batch.words;
    badge.className = `badge ${batch.kind}`.trim();
    if (bar && batch.parts) { bar.max = batch.parts; bar.value = batch.done; }
    if (line.dataset.state === batch.state) return;
    line.dataset.state = batch.state;
    const name = line.querySelector("a")?.textContent ?? "";
    if (told) told.textContent = `${name} ${batch.words}`.trim();
    if (batch.ended && "reload" in place.dataset) location.reload();
  };

  source.addEventListener("batches", (event) => {
    const batches = JSON.parse(event.data);
    for (const batch of batches) {
      const line = document.querySelector(`[data-batch="${batch.id}"]`);
      if (line) show(line, batch);
    }
    if (newer && batches.length && !document.querySelector(`[data-batch="${batches[0].id}"]`)) newer.hidden = false;
    if (batches.every((batch) => batch.ended)) source.close();
  });
})();
