//! Draws the mail graph on a circle, and the traffic of each hour below it.

use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::fmt::Write as _;

pub(crate) fn svg(names: &[&str], graph: &BTreeMap<(String, String), usize>, by_hour: &[usize]) -> String {
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} 760\" font-family=\"sans-serif\">\n\
         <rect width=\"{WIDTH}\" height=\"760\" fill=\"white\"/>\n"
    );
    let place = |name: &str| {
        let at = names.iter().position(|known| *known == name)?;
        let angle = TAU * float(at) / float(names.len());
        Some((WIDTH / 2.0 + 220.0 * angle.sin(), 280.0 - 220.0 * angle.cos()))
    };
    let most = float(graph.values().copied().max().unwrap_or(1));
    for ((from, to), count) in graph {
        if let (Some((x1, y1)), Some((x2, y2))) = (place(from), place(to)) {
            let share = float(*count) / most;
            // Bent, so that both directions show.
            let (bx, by) = ((x1 + x2 + y2 - y1) / 2.0, (y1 + y2 + x1 - x2) / 2.0);
            let (bx, by) = (f64::midpoint(bx, WIDTH / 2.0), f64::midpoint(by, 280.0));
            let _ = writeln!(
                out,
                "<path d=\"M{x1:.0} {y1:.0} Q{bx:.0} {by:.0} {x2:.0} {y2:.0}\" fill=\"none\" stroke=\"steelblue\" \
                 stroke-width=\"{:.1}\" opacity=\"{:.2}\"><title>{from} to {to}: {count}</title></path>",
                0.5 + 6.0 * share,
                0.25 + 0.6 * share
            );
        }
    }
    for name in names {
        if let Some((x, y)) = place(name) {
            let _ = writeln!(
                out,
                "<circle cx=\"{x:.0}\" cy=\"{y:.0}\" r=\"24\" fill=\"gold\"/>\n\
                 <text x=\"{x:.0}\" y=\"{:.0}\" text-anchor=\"middle\" font-size=\"13\">{name}</text>",
                y + 4.0
            );
        }
    }
    let (tallest, step) = (
        float(by_hour.iter().copied().max().unwrap_or(1).max(1)),
        (WIDTH - 40.0) / float(by_hour.len().max(1)),
    );
    for (hour, count) in by_hour.iter().enumerate() {
        let (x, height) = (20.0 + step * float(hour), 150.0 * float(*count) / tallest);
        let _ = writeln!(
            out,
            "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\" fill=\"seagreen\"/>",
            720.0 - height,
            step * 0.8
        );
        if hour % 24 == 0 {
            let day = DAYS.get(hour / 24).unwrap_or(&"");
            let _ = writeln!(out, "<text x=\"{x:.1}\" y=\"740\" font-size=\"13\">{day}</text>");
        }
    }
    out + "</svg>\n"
}

fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

const WIDTH: f64 = 760.0;
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
