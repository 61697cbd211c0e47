"use strict";
// Of a page of results: what is folded opens for links and on paper; tables sort, filter and download; curves tell their
// values and can be switched off. Without this script the page holds the same, and it asks nothing of any other place.
(() => {
  const all = (where, what) => [...where.querySelectorAll(what)];
  const make = (name, own, ...inside) => {
    const made = Object.assign(document.createElement(name), own);
    made.append(...inside);
    return made;
  };
  const clean = (text) => text.replace(/\s+/g, " ").trim();

  // --- what is folded -------------------------------------------------------------------------------------------

  const reveal = () => {
    const at = document.getElementById(location.hash.slice(1));
    for (let one = at; one; one = one.parentElement) if (one.localName === "details") one.open = true;
    if (at) at.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  if (location.hash) reveal();
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = all(document, "details:not([open]):not(.screen)");
    for (const one of opened) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of opened) one.open = false;
  });

  // --- tables ---------------------------------------------------------------------------------------------------

  // What a cell says without its interval, and its numbers: mean, low and high end.
  const said = (cell) => {
    const copy = cell.cloneNode(true);
    for (const small of all(copy, "small, sup")) small.remove();
    return clean(copy.textContent);
  };
  const numbers = (cell) => (cell.dataset.v ? cell.dataset.v.split(" ").map(Number) : []);
  const rank = (cell) => {
    if (cell.dataset.v) return numbers(cell)[0];
    const text = said(cell).replace(/,(?=\d{3})/g, "").replace("−", "-");
    return text !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
  };
  const before = (a, b, sign) => {
    const [one, other] = [a, b].map((key) => (typeof key === "number" && Number.isNaN(key) ? "–" : key));
    if (typeof one === "number" && typeof other === "number") return sign * (one - other || 0);
    if (typeof one !== typeof other) return typeof one === "number" ? -1 : 1; // what is not measured is last, either way
    return sign * one.localeCompare(other, "en", { numeric: true });
  };

  const table = (first) => {
    const more = document.querySelector(`table[data-of="${first.id}"]`);
    const fold = more && more.closest("details");
    const title = fold && fold.querySelector("summary");
    const was = title && title.textContent;
    const shown = first.tBodies[0].rows.length;
    const rows = [...first.tBodies[0].rows, ...(more ? more.tBodies[0].rows : [])];
    if (rows.length < 2) return;
    const heads = [...first.tHead.rows[0].cells];
    let order = rows;
    const status = make("span", { className: "soft" });
    status.setAttribute("role", "status");
    const field = make("input", { type: "search", autocomplete: "off" });

    const sought = () => field.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = (words) => order.filter((row) => words.every((word) => row.textContent.toLowerCase().includes(word)));

    const lay = () => {
      const words = sought();
      const kept = found(words);
      const above = more ? kept.slice(0, shown) : kept;
      first.tBodies[0].replaceChildren(...above);
      if (more) {
        const rest = kept.slice(shown);
        more.tBodies[0].replaceChildren(...rest);
        title.textContent = words.length || order !== rows ? `${rest.length} more rows` : was;
        fold.hidden = rest.length === 0;
      }
      status.textContent = words.length ? `${kept.length} of ${rows.length} rows` : "";
    };

    heads.forEach((head, column) => {
      const button = make("button", { type: "button", className: "sort" }, ...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const now = { ascending: "descending", descending: "" }[head.ariaSort || ""] ?? "ascending";
        for (const other of heads) other.removeAttribute("aria-sort");
        order = rows;
        if (now) {
          head.setAttribute("aria-sort", now);
          const keys = new Map(rows.map((row) => [row, rank(row.cells[column])]));
          const sign = now === "ascending" ? 1 : -1;
          order = [...rows].sort((a, b) => before(keys.get(a), keys.get(b), sign));
        }
        lay();
      });
    });

    const quoted = (text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const download = () => {
      const width = heads.map((_, column) => Math.max(1, ...rows.map((row) => numbers(row.cells[column]).length)));
      const names = heads.flatMap((head, column) => {
        const name = head.dataset.m || said(head);
        return [name, `${name}_low`, `${name}_high`].slice(0, width[column]);
      });
      const lines = found(sought()).map((row) =>
        heads.flatMap((_, column) => {
          const own = row.cells[column].dataset.v ? row.cells[column].dataset.v.split(" ") : [said(row.cells[column])];
          return [...own, "", ""].slice(0, width[column]);
        }),
      );
      const text = [names, ...lines].map((line) => line.map(quoted).join(",")).join("\r\n") + "\r\n";
      const link = make("a", { href: URL.createObjectURL(new Blob([text], { type: "text/csv" })) });
      link.download = `${first.id}.csv`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    };

    field.addEventListener("input", () => {
      if (fold && field.value) fold.open = true;
      lay();
    });
    const button = make("button", { type: "button" }, "Download CSV");
    button.addEventListener("click", download);
    const tools = make("div", { className: "tools" });
    if (rows.length > 5) tools.append(make("label", {}, "Filter rows ", field));
    tools.append(button, status);
    first.closest(".scroll").before(tools);
  };
  all(document, "table[id]:not([data-of])").forEach((one) => one.tHead && table(one));

  // A table that is wider than the page says so: phones show no bar to scroll with.
  const wider = new ResizeObserver((seen) => {
    for (const { target } of seen) {
      const scroll = target.closest(".scroll");
      scroll.previousElementSibling.hidden = scroll.scrollWidth <= scroll.clientWidth + 1;
    }
  });
  for (const scroll of all(document, ".scroll")) {
    scroll.before(make("p", { className: "aside", hidden: true }, "Scroll the table sideways for more columns →"));
    for (const one of [scroll, ...scroll.children]) wider.observe(one);
  }

  // --- curves ---------------------------------------------------------------------------------------------------

  const inverse = (side, at) => {
    if (side.scale === "log") return 10 ** at;
    if (side.scale !== "symlog") return at;
    const bend = 10 / 9; // of matplotlib: base 10, a linear stretch as long as one decade
    const size = Math.abs(at) / side.linear;
    return Math.sign(at) * side.linear * (size <= bend ? size / bend : 10 ** (size - bend));
  };
  const short = (value) => Number(value.toPrecision(3)).toLocaleString("en", { maximumSignificantDigits: 3 });
  const when = (side, value) => {
    if (side.time === undefined) return `${side.label}: ${short(value)}`;
    if (side.time) return new Date(Date.parse(`${side.time}Z`) + 1000 * value).toISOString().slice(11, 16);
    const [hours, minutes] = [Math.floor(value / 3600), Math.floor((value % 3600) / 60)];
    if (value < 600) return `${Math.round(value)} s`;
    return hours ? `${hours} h ${minutes} min` : `${minutes} min`;
  };
  const pieces = (path) => {
    const out = [];
    for (const part of path.getAttribute("d").split("M").slice(1)) {
      const found = part.match(/-?\d+(?:\.\d+)?/g).map(Number);
      out.push(found.filter((_, i) => i % 2 === 0).map((x, i) => [x, found[2 * i + 1]]));
    }
    return out;
  };
  const height = (line, x) => {
    for (const part of line) {
      const i = part.findIndex((point) => point[0] >= x);
      if (i < 0 || x < part[0][0]) continue;
      if (i === 0) return part[0][1];
      const [[a, b], [c, d]] = [part[i - 1], part[i]];
      return c === a ? d : b + ((x - a) / (c - a)) * (d - b);
    }
    return undefined;
  };

  const chart = (svg) => {
    const panels = JSON.parse(svg.dataset.panels);
    const box = svg.parentElement;
    const names = new Map();
    for (const text of all(svg, "[data-key]")) {
      const told = clean(text.textContent);
      if (told) names.set(text.dataset.key, told);
    }
    const lines = all(svg, "[data-panel]").map((panel) =>
      all(panel, "[data-curve]")
        .filter((one) => names.has(one.dataset.curve) && one.dataset.curve !== "rest")
        .map((one) => ({ key: one.dataset.curve, one, line: pieces(one.querySelector(":scope > path")) })),
    );

    const off = new Set();
    for (const key of names.keys()) {
      const entries = all(svg, `[data-key="${CSS.escape(key)}"]`);
      const text = entries.find((one) => clean(one.textContent));
      text.setAttribute("role", "button");
      text.setAttribute("tabindex", "0");
      text.setAttribute("aria-pressed", "true");
      const turn = () => {
        const is = !off.delete(key);
        if (is) off.add(key);
        text.setAttribute("aria-pressed", String(!is));
        for (const entry of entries) entry.classList.toggle("off", is);
        for (const curve of all(svg, `[data-curve="${CSS.escape(key)}"]`)) curve.classList.toggle("gone", is);
      };
      for (const entry of entries) entry.addEventListener("click", turn);
      text.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        turn();
      });
    }

    const mark = document.createElementNS(svg.namespaceURI, "path");
    mark.setAttribute("class", "pointer");
    svg.append(mark);
    const told = make("div", { className: "told", hidden: true });
    told.setAttribute("role", "status");
    box.append(told);
    let at = 0;
    let number = 0;
    const hide = () => {
      told.hidden = true;
      mark.removeAttribute("d");
    };
    const show = () => {
      const { box: [left, top, right, bottom], x, y } = panels[number];
      at = Math.min(Math.max(at, left), right);
      const value = inverse(x, x.ends[0] + ((at - left) / (right - left)) * (x.ends[1] - x.ends[0]));
      const found = [];
      for (const { key, one, line } of lines[number]) {
        const spot = off.has(key) ? undefined : height(line, at);
        if (spot === undefined) continue;
        const share = (bottom - spot) / (bottom - top);
        const path = one.querySelector(":scope > path");
        found.push([names.get(key), inverse(y, y.ends[0] + share * (y.ends[1] - y.ends[0])), path.style.stroke]);
      }
      found.sort((a, b) => b[1] - a[1]);
      mark.setAttribute("d", `M${at} ${top}V${bottom}`);
      const rows = found.map(([name, height, colour]) => {
        const sign = make("i", {});
        sign.style.background = colour;
        return make("div", {}, sign, make("b", {}, short(height)), ` ${name}`);
      });
      told.replaceChildren(make("div", { className: "soft" }, `${when(x, value)} · ${y.label}`), ...rows);
      told.hidden = found.length === 0;
      const frame = svg.getBoundingClientRect();
      const outer = box.getBoundingClientRect();
      const scale = frame.width / svg.viewBox.baseVal.width;
      const middle = at * scale + frame.left - outer.left;
      const width = told.offsetWidth;
      told.style.left = `${Math.max(0, middle > outer.width / 2 ? middle - width - 12 : Math.min(middle + 12, outer.width - width))}px`;
      told.style.top = `${top * scale + frame.top - outer.top + 4}px`;
    };
    svg.addEventListener("pointermove", (event) => {
      const frame = svg.getBoundingClientRect();
      const scale = svg.viewBox.baseVal.width / frame.width;
      const [px, py] = [(event.clientX - frame.left) * scale, (event.clientY - frame.top) * scale];
      number = panels.findIndex(({ box: [left, top, right, bottom] }) => px >= left && px <= right && py >= top && py <= bottom);
      if (number < 0) return hide();
      at = px;
      show();
    });
    svg.addEventListener("pointerleave", hide);
    box.setAttribute("role", "group"); // a picture has no parts; this has buttons
    box.setAttribute("tabindex", "0");
    box.addEventListener("blur", hide);
    box.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      const isShown = svg.getBoundingClientRect().width > 0; // the box holds the other form, too
      if (event.target !== box || !step || !isShown) return;
      event.preventDefault();
      number = Math.max(number, 0);
      const [left, , right] = panels[number].box;
      at = (at || left) + (step * (right - left)) / 60;
      show();
    });
  };
  all(document, "svg[data-panels]").forEach(chart);
})();
