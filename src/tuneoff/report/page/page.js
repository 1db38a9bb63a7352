// The page's only script: draws each .chart from the JSON beside it. The page is complete without it.
"use strict";
(function () {
  const SVG = "http://www.w3.org/2000/svg", W = 640, H = 320, L = 56, R = 92, T = 10, B = 44;

  function make(name, attributes, parent, text) {
    const element = name.startsWith("svg:") ? document.createElementNS(SVG, name.slice(4)) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    if (parent) parent.appendChild(element);
    return element;
  }

  function ticks(low, high) {
    const raw = (high - low) / 5 || 1, power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= raw), values = [];
    for (let v = Math.ceil(low / step - 1e-9) * step; v <= high + 1e-9 * step; v += step) values.push(v);
    return values;
  }

  function start(box) {
    const data = JSON.parse(box.querySelector("script").textContent), id = box.id, hidden = new Set();
    const state = { unit: data.cost, view: data.curves.test.minutes && Object.keys(data.curves.test.minutes).length ? "test" : "validation" };
    const still = box.parentElement.querySelector(".static");
    if (still) still.hidden = true;
    box.hidden = false;
    const svg = make("svg:svg", { viewBox: `0 0 ${W} ${H}`, role: "application", tabindex: "0", "aria-describedby": id + "-said",
      "aria-label": "Chart. Arrow keys step through its points; what a point is, is read out below." }, box);
    const row = make("label", { class: "cursor" }, box, "Budget"), cursor = make("input", { type: "range", min: 0, max: 200, value: 200 }, row);
    const said = make("p", { class: "said", id: id + "-said", "aria-live": "polite" }, box);
    const more = make("details", {}, box);
    make("summary", {}, more, "Other units, validation, every trial, fewer searches");
    const controls = make("div", { class: "controls" }, more);
    choices("Cost in", "unit", [["minutes", "device-minutes"], ["dollars", "dollars"], ["epochs", "epochs"]]);
    choices("Show", "view", [["test", "test curves"], ["validation", "validation curves"], ["trials", "every trial"]]);
    const group = make("fieldset", {}, controls);
    make("legend", {}, group, "Algorithms");
    for (const [name, colour] of Object.entries(data.colours)) {
      const label = make("label", {}, group), input = make("input", { type: "checkbox" }, label);
      input.checked = true;
      make("span", { class: "swatch", style: "background:" + colour, "aria-hidden": "true" }, label);
      label.appendChild(document.createTextNode(name));
      input.addEventListener("change", () => { input.checked ? hidden.delete(name) : hidden.add(name); draw(); });
    }
    let points = [], current = -1, high = 1;

    function choices(legend, key, options) {
      const field = make("fieldset", {}, controls);
      make("legend", {}, field, legend);
      for (const [value, text] of options) {
        const label = make("label", {}, field), input = make("input", { type: "radio", name: `${id}-${key}`, value }, label);
        input.checked = state[key] === value;
        label.appendChild(document.createTextNode(text));
        input.addEventListener("change", () => { state[key] = value; draw(); });
      }
    }

    function shown() {
      if (state.view === "trials") {
        return data.trials.filter((t) => !hidden.has(t.algorithm)).map((t) => ({ name: t.algorithm, x: t.cost[state.unit], y: t.validation,
          text: `${t.algorithm}, ${t.text}; validation ${score(t.validation)}` + (t.test === null ? "" : `, test ${score(t.test)}`) }));
      }
      const result = [];
      for (const [name, c] of Object.entries(data.curves[state.view][state.unit])) {
        if (!hidden.has(name)) c.cost.forEach((x, i) => result.push({ name, x, y: c.mean[i],
          text: `${name}: mean ${state.view} ${score(c.mean[i])} at ${number(x)} ${data.costs[state.unit]}` }));
      }
      return result;
    }

    function reached(budget) {
      const known = [], none = [];
      for (const [name, c] of Object.entries(data.curves[state.view][state.unit])) {
        if (hidden.has(name)) continue;
        let i = c.cost.length - 1;
        while (i >= 0 && c.cost[i] > budget) i--;
        const last = c.cost[c.cost.length - 1], over = last < 0.97 * budget ? ` (ended at ${number(last)})` : "";
        i < 0 ? none.push(name) : known.push([c.mean[i], name, over]);
      }
      known.sort((a, b) => b[0] - a[0]);
      return known.map(([v, name, over]) => `${name} ${score(v)}${over}`).join(", ") + (none.length ? `; no score in every repeat yet: ${none.join(", ")}` : "");
    }

    function move() {
      if (state.view === "trials" || !points.length) return;
      const budget = Number(((cursor.value / 200) * high).toPrecision(3)), at = L + (budget / high) * (W - L - R), line = svg.querySelector(".budget");
      line.setAttribute("x1", at);
      line.setAttribute("x2", at);
      const text = `With ${number(budget)} ${data.costs[state.unit]}: ${reached(budget) || "nothing yet"}`;
      cursor.setAttribute("aria-valuetext", text);
      said.textContent = text + ` (mean ${state.view} ${data.metric}).`;
    }

    function score(v) { return (data.digits === null ? number(v) : (v * data.scale).toFixed(data.digits)) + data.unit; }
    function number(v) { return String(Number(v.toPrecision(4))); }

    function draw() {
      svg.replaceChildren();
      points = shown();
      current = -1;
      if (!points.length) { make("svg:text", { x: W / 2, y: H / 2, "text-anchor": "middle" }, svg, "nothing to show"); return; }
      const ys = points.map((p) => p.y);
      high = Math.max(...points.map((p) => p.x)) * 1.02 || 1;
      const pad = (Math.max(...ys) - Math.min(...ys)) * 0.06 || 0.01, low = Math.min(...ys) - pad, top = Math.max(...ys) + pad;
      const px = (x) => L + (x / high) * (W - L - R), py = (y) => H - B - ((y - low) / (top - low)) * (H - T - B);
      for (const v of ticks(low, top)) {
        make("svg:line", { x1: L, x2: W - R, y1: py(v), y2: py(v), class: "grid" }, svg);
        make("svg:text", { x: L - 6, y: py(v) + 4, "text-anchor": "end" }, svg, number(v * data.scale) + data.unit);
      }
      for (const v of ticks(0, high)) make("svg:text", { x: px(v), y: H - B + 18, "text-anchor": "middle" }, svg, number(v));
      make("svg:text", { x: (L + W - R) / 2, y: H - 6, "text-anchor": "middle" }, svg, data.costs[state.unit]);
      if (state.view !== "trials") curves(px, py);
      for (const p of points) {
        p.at = [px(p.x), py(p.y)];
        make("svg:circle", { cx: p.at[0], cy: p.at[1], r: state.view === "trials" ? 3.2 : 2, fill: data.colours[p.name], "fill-opacity": 0.75 }, svg);
      }
      make("svg:circle", { r: 7, class: "mark", visibility: "hidden" }, svg);
      row.hidden = state.view === "trials";
      said.textContent = "Point at a mark, or focus the chart and use the arrow keys, to read what it is.";
      if (state.view !== "trials") make("svg:line", { y1: T, y2: H - B, class: "budget" }, svg);
      move();
    }

    function curves(px, py) {
      const ends = [];
      for (const [name, c] of Object.entries(data.curves[state.view][state.unit])) {
        if (hidden.has(name)) continue;
        let path = `M${px(c.cost[0])} ${py(c.mean[0])}`;
        for (let i = 1; i < c.cost.length; i++) path += `H${px(c.cost[i])}V${py(c.mean[i])}`;
        make("svg:path", { d: path, fill: "none", stroke: data.colours[name], "stroke-width": 2 }, svg);
        ends.push([py(c.mean[c.mean.length - 1]), name]);
      }
      ends.sort((a, b) => a[0] - b[0]);
      ends.forEach((end, i) => { if (i) end[0] = Math.max(end[0], ends[i - 1][0] + 13); });
      const below = ends.length ? Math.max(0, ends[ends.length - 1][0] - (H - B)) : 0;
      for (const [y, name] of ends) make("svg:text", { x: W - R + 5, y: y - below + 4, fill: data.colours[name] }, svg, name);
    }

    function say(i) {
      current = i;
      said.textContent = points[i].text;
      const mark = svg.querySelector(".mark");
      mark.setAttribute("cx", points[i].at[0]);
      mark.setAttribute("cy", points[i].at[1]);
      mark.setAttribute("visibility", "visible");
    }

    svg.addEventListener("pointermove", (event) => {
      if (!points.length) return;
      const frame = svg.getBoundingClientRect(), x = ((event.clientX - frame.left) * W) / frame.width, y = ((event.clientY - frame.top) * H) / frame.height;
      let best = 0, least = Infinity;
      points.forEach((p, i) => { const d = (p.at[0] - x) ** 2 + (p.at[1] - y) ** 2; if (d < least) { least = d; best = i; } });
      if (least < 900) say(best);
    });
    svg.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step || !points.length) return;
      event.preventDefault();
      say((current + step + points.length) % points.length);
    });
    cursor.addEventListener("input", move);
    draw();
  }

  document.querySelectorAll(".chart").forEach(start);
})();
