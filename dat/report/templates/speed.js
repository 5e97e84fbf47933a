// Success against frames a second: the seconds are in no output, so the page draws this from what run.js says of the run.
const speeds = run && run.measured ? JSON.parse(document.getElementById("speeds").textContent) : [];
const svgTag = (name, facts, ...inside) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(facts)) made.setAttribute(key, value);
  made.append(...inside);
  return made;
};
for (const { benchmark, title, rows } of speeds) {
  const known = rows.filter((row) => run.measured[`fps/${benchmark}/${row.variant}`]);
  if (known.length < 2) continue;
  const place = document.getElementById("speed");
  const fps = (row) => run.measured[`fps/${benchmark}/${row.variant}`];
  const ordered = [...known].sort((a, b) => fps(a) - fps(b));
  const most = Math.max(...known.map(fps)) * 1.1;
  const [x, y] = [(value) => 50 + (value / most) * 560, (value) => 230 - value * 200];
  const picture = svgTag("svg", { viewBox: "0 0 640 264", role: "img" });
  picture.setAttribute("aria-label", `${title}: success against frames a second, in the table below`);
  for (const at of [0, 0.25, 0.5, 0.75, 1]) {
    picture.append(
      svgTag("line", { class: "rule", x1: 50, x2: 610, y1: y(at), y2: y(at) }),
      svgTag("text", { x: 44, y: y(at) + 4, "text-anchor": "end" }, String(at)),
    );
  }
  for (let at = 0; at <= most; at += most > 20 ? 10 : most > 4 ? 2 : 0.5) {
    picture.append(svgTag("text", { x: x(at), y: 246, "text-anchor": "middle" }, String(at)));
  }
  picture.append(
    svgTag("text", { x: 330, y: 258, "text-anchor": "middle" }, "frames a second, each sequence on its cores"),
    svgTag("text", { x: 50, y: 18 }, `${title}, success`),
  );
  ordered.forEach((row, at) => {
    const point = [x(fps(row)), y(row.value)];
    if (row.low !== null) {
      picture.append(svgTag("line", { class: "ends", x1: point[0], x2: point[0], y1: y(row.low), y2: y(row.high) }));
    }
    picture.append(
      svgTag("circle", { cx: point[0], cy: point[1], r: 5 }),
      svgTag("text", { x: point[0] + 8, y: point[1] - 6 }, String(at + 1)),
    );
  });
  const list = document.createElement("ol");
  for (const row of ordered) {
    const line = document.createElement("li");
    line.textContent = `${row.words}: ${fps(row).toPrecision(3)} frames a second, success ${row.value.toFixed(3)}`;
    list.append(line);
  }
  const drawing = document.createElement("div");
  drawing.className = "drawing";
  drawing.append(picture);
  place.append(drawing, list);
  place.querySelector(".status").hidden = true;
}
