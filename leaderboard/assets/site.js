// Sorts and filters tables that are complete without it. The state lives in the hash:
// #board-1-standings=total.descending&filter=otter
"use strict";
(() => {
  const tables = [...document.querySelectorAll("table.sortable")];
  const original = new Map(tables.map((t) => [t, [...t.tBodies[0].rows]]));
  const state = new URLSearchParams(location.hash.slice(1));
  const controls = document.getElementById("controls");

  const save = () => {
    const text = state.toString();
    history.replaceState(null, "", text ? "#" + text : location.pathname + location.search);
  };

  // A cell without data-v has no value: it comes last in both directions.
  const sort = (table, key, direction) => {
    const heads = [...table.tHead.rows].at(-1).cells;
    const column = [...heads].findIndex((head) => head.dataset.key === key);
    if (column < 0) return;
    const sign = direction === "descending" ? -1 : 1;
    const value = (row) => row.cells[column].dataset.v;
    const rows = [...original.get(table)].sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === undefined || y === undefined) return (x === undefined) - (y === undefined);
      return sign * (Number(x) - Number(y));
    });
    table.tBodies[0].append(...rows);
    for (const head of heads) {
      if (head.dataset.key === key) head.setAttribute("aria-sort", direction);
      else head.removeAttribute("aria-sort");
    }
  };

  const onSort = (table, head) => {
    const other = { ascending: "descending", descending: "ascending" };
    const direction = other[head.getAttribute("aria-sort")] || head.dataset.first;
    sort(table, head.dataset.key, direction);
    state.set(table.id, head.dataset.key + "." + direction);
    save();
    say(`Sorted by ${head.textContent.trim()}, ${direction}.`);
  };

  const filter = (text) => {
    const wanted = text.trim().toLowerCase();
    const found = new Set();
    for (const row of document.querySelectorAll("tr[data-entry]")) {
      row.hidden = !row.dataset.entry.toLowerCase().includes(wanted);
      if (!row.hidden) found.add(row.dataset.entry);
    }
    return found.size;
  };

  const status = document.createElement("span");
  status.setAttribute("role", "status");
  status.className = "muted";
  const say = (text) => { status.textContent = text; };

  if (tables.length) {
    const label = document.createElement("label");
    const input = document.createElement("input");
    input.type = "search";
    input.autocomplete = "off";
    label.append("Filter entries", input);
    controls.append(label, status);
    input.addEventListener("input", () => {
      const count = filter(input.value);
      if (input.value) state.set("filter", input.value);
      else state.delete("filter");
      save();
      say(input.value ? `${count} matching` : "");
    });
    input.value = state.get("filter") || "";
    if (input.value) say(`${filter(input.value)} matching`);
  }

  for (const table of tables) {
    for (const head of table.querySelectorAll("th[data-key]")) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => onSort(table, head));
    }
    const [key, direction] = (state.get(table.id) || "").split(".");
    if (direction === "ascending" || direction === "descending") sort(table, key, direction);
  }
})();
