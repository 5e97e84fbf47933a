// What `make repro` wrote of this run into run.js, when it is there and about this page: commit, machine, date, seconds.
const run = window.datRun && window.datRun.page === document.body.dataset.page ? window.datRun : null;
if (run) {
  const place = document.getElementById("run");
  const seal = run.seal && `seal ${run.seal.slice(0, 16)}${run.sealed ? ", the committed one" : ", not the committed one"}`;
  place.replaceChildren();
  for (const line of [run.verdict, ...run.notes, seal].filter(Boolean)) {
    const row = document.createElement("span");
    row.textContent = line;
    place.append(row);
  }
  place.classList.toggle("equal", run.equal);
  const facts = {
    commit: run.commit && `${run.commit.slice(0, 9)}, ${run.clean ? "clean" : "with uncommitted changes"}`,
    machine: run.processors && run.processors.join(" and "),
    date: run.date && run.date.replace("T", " ").replace("+00:00", " UTC"),
    minutes: run.seconds && `${(run.seconds / 60).toFixed(1)} (each stage's last run)`,
    ...run.measured,
  };
  for (const cell of document.querySelectorAll("[data-run]")) {
    const fact = facts[cell.dataset.run];
    if (fact) cell.textContent = typeof fact === "number" ? fact.toPrecision(3) : fact;
  }
}
