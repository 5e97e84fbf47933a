"""The report stage: tables as CSV, Markdown and LaTeX, figures as SVG, PNG and points, players, the page, a summary."""

from pathlib import Path

from dat.pipeline.stages import PARTIAL
from dat.records import Job, write_bytes, write_json, write_text
from dat.report import brief, claims, drawing, figures, page, pictures, players, readings, tables
from dat.report.metrics import read_scores, read_trainings


def write_tables(
    folder: Path, made: list[tables.Table], drawn: list[figures.Figure], text: claims.Claims, profile: str
) -> None:
    """Write the tables, the figures' points, and the verdicts on the claims of the tables and of the paper's text."""
    folder.mkdir(parents=True, exist_ok=True)
    for table in made:
        write_text(folder / f"table-{table.number}.csv", tables.to_csv(table))
        write_text(folder / f"table-{table.number}.md", tables.to_markdown(table))
        write_text(folder / f"table-{table.number}.tex", tables.to_latex(table))
    for figure in drawn:
        write_text(folder / f"figure-{figure.number}.csv", figures.to_csv(figure, profile))
    write_text(folder / "claims.csv", claims.to_csv([*(table.claims for table in made), text]))


def write_figures(folder: Path, drawn: list[figures.Figure]) -> dict[int, bytes]:
    """Write the drawings; the SVGs are returned by figure number."""
    folder.mkdir(parents=True, exist_ok=True)
    svgs: dict[int, bytes] = {}
    for figure in drawn:
        svgs[figure.number], png = drawing.render(figure)
        write_bytes(folder / f"figure-{figure.number}.svg", svgs[figure.number])
        write_bytes(folder / f"figure-{figure.number}.png", png)
    return svgs


def write_pictures(folder: Path, made: list[pictures.Picture]) -> None:
    """Write the drawings of frames, boxes and trainings that this run has."""
    for picture in made:
        if picture.png:
            write_bytes(folder / f"figure-{picture.name}.svg", picture.svg)
            write_bytes(folder / f"figure-{picture.name}.png", picture.png)


def run(job: Job) -> None:
    """Make the report of a run. Inputs: metrics, weights, language, frames, masks, results and manifests; outputs:
    tables, figures, players, page.

    Raises MissingError when a benchmark has no scores, unless the job's key is `--partial`.
    """
    profile = str(job.settings.section("profile", str))
    scores = read_scores(job.inputs["metrics"], job.settings, partial=job.key == PARTIAL)
    made, drawn = tables.build_all(scores, profile), figures.build_all(scores)
    text = claims.of_table(claims.IN_TEXT, scores)
    write_tables(job.outputs["tables"], made, drawn, text, profile)
    write_json(job.outputs["tables"] / "summary.json", brief.summary(scores))
    svgs = write_figures(job.outputs["figures"], drawn)
    players.write(job.outputs["players"], job.settings, job.inputs["results"], job.inputs["manifests"], scores)
    trainings = list(read_trainings(job.inputs["weights"], job.inputs["language"]))
    shown = pictures.build_all(pictures.PictureInputs(job.inputs, job.settings, scores))
    write_pictures(job.outputs["figures"], shown)
    in_force = readings.in_force(job.settings)
    partial = job.key == PARTIAL
    content = page.Content(job.settings, scores, made, text, drawn, svgs, shown, trainings, in_force, partial)
    write_text(job.outputs["page"], page.render(content))
