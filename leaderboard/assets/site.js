// Sorts and filters tables that are complete without it. The state lives in the hash:
// #board-1-standings=total.descending&filter=otter&host=azure-d2s-v5
"use strict";
(() => {
  const tables = [...document.querySelectorAll("table.sortable")];
  const original = new Map(tables.map((t) => [t, [...t.tBodies[0].rows]]));
  const state = new URLSearchParams(location.hash.slice(1));
  const controls = document.getElementById("controls");
  // The rows of a long table lie on many pages; nothing is loaded from the others.
  const here = controls && "part" in controls.dataset ? " on this page" : "";

  const save = () => {
    const text = state.toString();
    history.replaceState(null, "", text ? "#" + text : location.pathname + location.search);
  };

  // A cell without a number has no value: it comes last in both directions.
  const number = (cell) => cell ? parseFloat(cell.dataset.v ?? cell.textContent) : NaN;

  const sort = (table, key, direction) => {
    const heads = [...table.tHead.rows].at(-1).cells;
    const column = [...heads].findIndex((head) => head.dataset.key === key);
    if (column < 0) return;
    const sign = direction === "descending" ? -1 : 1;
    const rows = original.get(table).map((row) => [number(row.cells[column]), row]);
    rows.sort(([x], [y]) => isNaN(x) || isNaN(y) ? isNaN(x) - isNaN(y) : sign * (x - y));
    table.tBodies[0].append(...rows.map(([, row]) => row));
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
    say(`Sorted by ${head.textContent.trim()}, ${direction}${here && ", the rows" + here}.`);
  };

  const filter = () => {
    const name = (state.get("filter") || "").trim().toLowerCase();
    const host = state.get("host") || "";
    const found = new Set();
    for (const row of document.querySelectorAll("tr[data-entry]")) {
      const { entry, host: its } = row.dataset;
      row.hidden = !entry.toLowerCase().includes(name) || !!host && its !== host;
      if (!row.hidden) found.add(entry);
    }
    for (const group of document.querySelectorAll("[data-group]")) {
      group.hidden = !!host && group.dataset.group !== host;
    }
    say(name || host ? `${found.size} matching${here}` : "");
  };

  const status = document.createElement("span");
  status.setAttribute("role", "status");
  status.className = "muted";
  const say = (text) => { status.textContent = text; };

  const control = (kind, words, key) => {
    const label = document.createElement("label");
    const input = document.createElement(kind);
    label.append(words, input);
    input.addEventListener("input", () => {
      if (input.value) state.set(key, input.value);
      else state.delete(key);
      save();
      filter();
    });
    controls.append(label);
    return input;
  };

  if (tables.length && controls) {
    const input = control("input", "Filter entries" + here, "filter");
    input.type = "search";
    input.autocomplete = "off";
    input.value = state.get("filter") || "";
    const rows = document.querySelectorAll("tr[data-host]");
    const hosts = [...new Set([...rows].map((row) => row.dataset.host))].sort();
    if (!hosts.includes(state.get("host"))) state.delete("host");
    if (hosts.length > 1) {
      const select = control("select", "Hosts", "host");
      for (const host of ["", ...hosts]) select.add(new Option(host || "all", host));
      select.value = state.get("host") || "";
    }
    controls.append(status);
    filter();
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
