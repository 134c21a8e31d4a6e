"use strict";
// The page stands without this: it only looks again when there is something new.
for (const place of document.querySelectorAll("[data-follow]")) {
  const source = new EventSource(place.dataset.follow);
  source.addEventListener("state", (event) => {
    const now = JSON.parse(event.data);
    if (now.state !== place.dataset.state || String(now.ahead) !== place.dataset.ahead) {
      source.close();
      location.reload();
    }
  });
}
