// Each table sorts by a column, other trackers are folded away, and long tables have a filter.
function element(name, facts = {}, ...inside) {
  const made = Object.assign(document.createElement(name), facts);
  made.append(...inside);
  return made;
}
const emptyCell = /^(–|missing|not known here|)$/;
function cellText(row, column) {
  const cell = row.cells[column];
  return cell ? (cell.querySelector("b") ?? cell).textContent.trim() : "";
}
function inOrder(column, sign) {
  return (one, other) => {
    const [a, b] = [cellText(one, column), cellText(other, column)];
    if (emptyCell.test(a) || emptyCell.test(b)) return emptyCell.test(a) - emptyCell.test(b);
    const [x, y] = [parseFloat(a), parseFloat(b)];
    return sign * (isNaN(x) || isNaN(y) ? a.localeCompare(b, "en", { numeric: true }) : x - y);
  };
}
// The heads that stand directly over a column, in the order of the columns.
function leafHeads(table) {
  const grid = [...table.tHead.rows].map(() => []);
  [...table.tHead.rows].forEach((row, at) => {
    let column = 0;
    for (const head of row.cells) {
      while (grid[at][column]) column++;
      for (let down = at; down < at + head.rowSpan; down++) {
        for (let across = column; across < column + head.colSpan; across++) grid[down][across] = head;
      }
    }
  });
  return grid.at(-1);
}
function sortable(table) {
  leafHeads(table).forEach((head, column) => {
    const button = element("button", { type: "button", className: "sort" }, ...head.childNodes);
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "descending";
      for (const other of table.tHead.querySelectorAll("[aria-sort]")) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "ascending" : "descending");
      const body = table.tBodies[0];
      body.append(...[...body.rows].sort(inOrder(column, down ? 1 : -1)));
    });
  });
}
const manyRows = 8;
function filterable(table) {
  if (table.tBodies[0].rows.length <= manyRows) return;
  const field = element("input", { type: "search", className: "filter", placeholder: "Filter rows" });
  field.setAttribute("aria-label", "Filter rows");
  field.addEventListener("input", () => {
    const wanted = field.value.toLowerCase();
    for (const row of table.tBodies[0].rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
  });
  table.closest(".scroll").before(field);
}
function foldOthers(table) {
  const others = table.querySelectorAll("tr.other");
  if (!others.length || others.length === table.tBodies[0].rows.length) return;
  const button = element("button", { type: "button", className: "fold" });
  const fold = (folded) => {
    table.classList.toggle("folded", folded);
    button.textContent = `${folded ? "Show" : "Fold away"} ${others.length} other trackers`;
    button.setAttribute("aria-expanded", String(!folded));
  };
  button.addEventListener("click", () => fold(!table.classList.contains("folded")));
  table.closest(".scroll").after(button);
  fold(true);
}
for (const table of document.querySelectorAll("main table:not(.points)")) {
  if (!table.tHead) continue;
  sortable(table);
  if (table.matches(".scores")) foldOthers(table);
  if (table.matches(".plain, .sources")) filterable(table);
}
