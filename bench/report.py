"""What the benchmark found, as JSON, as a table and as a plot; it says plainly where sekisho loses."""

import json
import statistics

from cryptography.hazmat.primitives.serialization import Encoding

DER = Encoding.DER
ORDER = ("sekisho", "nginx", "haproxy", "h2o")
MANY = (("start_s", "10,000 certificates: start", "s"), ("memory_mib", "10,000 certificates: memory", "MiB"),
        ("replace_s", "one replaced, until it is served", "s"), ("calm_p99_ms", "handshake p99 without a change", "ms"),
        ("changing_p99_ms", "handshake p99 while one is replaced", "ms"))


def rows(results):
    """(title, unit, server -> figure, server -> its rounds); the lower the better in all of them."""
    for name, rounds in results["cpu_us"].items():
        yield results["titles"][name], "µs of CPU", {s: statistics.median(v) for s, v in rounds.items() if v}, rounds
    if results["idle_bytes"]:
        yield "memory of an idle TLS connection", "KiB", {s: v / 1024 for s, v in results["idle_bytes"].items()}, {}
    for key, title, unit in MANY:
        figures = {s: v[key] for s, v in results["many"].items() if key in v}
        if figures:
            yield title.replace("10,000", f"{results['machine']['certificates']:,}"), unit, figures, {}


def ratios(figures, rounds):
    """(ratio, best peer, the quartiles of the ratio or None). Where there are rounds, each is compared by itself."""
    if "sekisho" not in figures:
        return None
    found = []
    for peer in figures.keys() - {"sekisho"}:
        paired = [ours / theirs for ours, theirs in zip(rounds.get("sekisho", []), rounds.get(peer, [])) if theirs]
        whole = len(paired) == max(map(len, rounds.values()), default=0)  # a round that failed has shifted the others
        if whole and len(paired) > 2:
            found.append((statistics.median(paired), peer, statistics.quantiles(paired, n=4)[::2]))
        elif figures[peer]:
            found.append((figures["sekisho"] / figures[peer], peer, None))
    return max(found, default=None, key=lambda each: each[0])


def table(results):
    machine = results["machine"]
    lines = ["# Side by side", "",
             f"{machine['cores']} cores, {machine['system']}; {machine['rounds']} rounds in turn, medians; "
             f"{machine['connections']:,} idle connections. One worker each, same OpenSSL, same certificates, same backend.",
             "Lower is better everywhere. CPU is what the kernel charged to all threads of the server. The ratio is the "
             "median of those of single rounds, half of which lay between the two in brackets.", "",
             "| work | unit | " + " | ".join(ORDER) + " | sekisho to the best peer |", "| --- | --- |" + " ---: |" * (len(ORDER) + 1)]
    lost = []
    for title, unit, figures, rounds in rows(results):
        share, best, between = ratios(figures, rounds) or (None, None, None)
        shown = [f"{figures[s]:.3g}" if figures.get(s, 1000) < 1000 else f"{figures[s]:.0f}" for s in ORDER if s in figures]
        cells = iter(shown)
        half = f" ({between[0]:.2f} to {between[1]:.2f})" if between else ""
        lines.append(f"| {title} | {unit} | " + " | ".join(next(cells) if s in figures else "-" for s in ORDER)
                     + f" | {'-' if share is None else f'{share:.2f}{half}'} |")
        if share is not None and share > 1.0:
            unsure = ": less than rounds differ from each other" if between and between[0] <= 1.0 else ""
            lost.append(f"- {title}: {share:.2f} times the {unit} of {best}{unsure}")
    failed = [f"- {s}: {v['changing_failed']} handshakes failed while a certificate was replaced"
              for s, v in results["many"].items() if v.get("changing_failed")]
    if "sekisho" not in {s for _, _, f, _ in rows(results) for s in f}:
        lines += ["", "sekisho was not measured in this run."]
    else:
        lines += ["", "## Where sekisho loses", "", *(lost or ["Nowhere in this run."])]
    if failed:
        lines += ["", "## Failed handshakes", "", *failed]
    return "\n".join(lines) + "\n"


def plot(results, path):
    try:
        import matplotlib
    except ImportError:
        return
    matplotlib.use("svg")
    from matplotlib import pyplot
    shown = [(t, f) for t, _, f, _ in rows(results) if len(f) > 1]
    if not shown:
        return
    figure, axes = pyplot.subplots(figsize=(10, 0.7 * len(shown) + 1.5))
    for index, server in enumerate(ORDER):
        values = [f.get(server, 0) / max(f.values()) for _, f in shown]
        axes.barh([i + 0.2 * index for i in range(len(shown))], values, 0.2, label=server)
    axes.set_yticks([i + 0.3 for i in range(len(shown))], [t for t, _ in shown], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("share of the worst in the row (shorter is better)")
    axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path)


def write(results, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "side_by_side.json").write_text(json.dumps(results, indent=1) + "\n")
    (folder / "side_by_side.md").write_text(table(results))
    plot(results, folder / "side_by_side.svg")
