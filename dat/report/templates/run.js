// What `make repro` wrote of this run into run.js, when it is there and about this page.
const run = window.datRun;
if (run && run.page === document.body.dataset.page) {
  const place = document.getElementById("run");
  const parts = [];
  if (run.commit) parts.push(`commit ${run.commit.slice(0, 9)}${run.clean ? "" : " with uncommitted changes"}`);
  if (run.processors) parts.push(run.processors.join(" and "));
  if (run.date) parts.push(run.date.replace("T", " ").replace("+00:00", " UTC"));
  const seal = run.seal && `seal ${run.seal}${run.sealed ? ", the committed one" : ", not the committed one"}`;
  for (const line of [run.verdict, ...run.notes, parts.join(" · "), seal].filter(Boolean)) {
    const row = document.createElement("span");
    row.textContent = line;
    place.append(row);
  }
  place.classList.toggle("equal", run.equal);
  place.hidden = false;
}
