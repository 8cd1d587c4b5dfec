//! A picture with two axes, as SVG: what charts are drawn with.
//!
//! Always holds: dots and lines stay inside the axes, and every text is escaped.

use std::fmt::Write as _;

/// Width and height of a picture, in SVG's units.
const SIZE: [f64; 2] = [560.0, 440.0];
const LEFT: f64 = 64.0;
const RIGHT: f64 = 18.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 54.0;
/// How far beyond the axes dots may reach.
const EDGE: f64 = 6.0;
/// The most steps an axis of numbers has, but for one more that its ends may need: with fewer, much of it stays empty.
const STEPS: f64 = 9.0;
/// What an axis spans at least: all values may be the same.
const SPAN_MIN: f64 = 1e-6;

/// One axis.
pub struct Axis {
    label: String,
    range: [f64; 2],
    ticks: Vec<(f64, String)>,
}

impl Axis {
    /// Of numbers from `low` to `high` or a little beyond, so that both ends are whole steps.
    pub fn numbers(label: &str, low: f64, high: f64) -> Self {
        let step = whole_step((high - low).max(SPAN_MIN) / STEPS);
        let first = (low / step).floor() as i64;
        let last = ((high / step).ceil() as i64).max(first + 1);
        let digits = (-step.log10().floor()).max(0.0) as usize;
        let tick = |n: i64| (n as f64 * step, format!("{:.digits$}", n as f64 * step));
        let range = [first as f64 * step, last as f64 * step];
        Self { label: label.into(), range, ticks: (first..=last).map(tick).collect() }
    }

    /// Of named places 0, 1, 2 ... with half a step beyond each end.
    pub fn names(label: &str, names: impl IntoIterator<Item = String>) -> Self {
        let ticks: Vec<(f64, String)> = (0..).map(f64::from).zip(names).collect();
        Self { label: label.into(), range: [-0.5, ticks.len() as f64 - 0.5], ticks }
    }

    /// The same axis from its other end, as rows of a table are read.
    pub fn turned(mut self) -> Self {
        self.range.reverse();
        self
    }

    /// Where it begins and ends.
    pub fn range(&self) -> [f64; 2] {
        self.range
    }
}

/// 1, 2 or 5 times a power of ten, not below `step`.
fn whole_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|times| times * power).find(|&whole| whole >= step).unwrap_or(power)
}

/// Where a text stands from its place.
#[derive(Clone, Copy)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// A picture being drawn.
pub struct Figure {
    name: &'static str,
    axes: [Axis; 2],
    body: String,
    /// Drawn last and never cut.
    texts: String,
}

impl Figure {
    /// An empty one; `name` tells it from others on the page.
    pub fn new(name: &'static str, x: Axis, y: Axis) -> Self {
        Self { name, axes: [x, y], body: String::new(), texts: String::new() }
    }

    fn at(&self, x: f64, y: f64) -> [f64; 2] {
        let share = |value: f64, [low, high]: [f64; 2]| ((value - low) / (high - low)).clamp(-1.0, 2.0);
        let [width, height] = [SIZE[0] - LEFT - RIGHT, SIZE[1] - TOP - BOTTOM];
        [LEFT + width * share(x, self.axes[0].range), TOP + height * (1.0 - share(y, self.axes[1].range))]
    }

    fn add(&mut self, element: std::fmt::Arguments<'_>) {
        self.body.write_fmt(element).expect("a string takes all that is written to it");
    }

    /// A dot that says `title` where it is pointed at.
    pub fn dot(&mut self, x: f64, y: f64, radius: f64, class: &str, title: &str) {
        let ([x, y], title) = (self.at(x, y), escape(title));
        self.add(format_args!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\" class=\"{class}\"><title>{title}</title></circle>"
        ));
    }

    /// A line through all points.
    pub fn line(&mut self, points: &[[f64; 2]], class: &str) {
        let place = |&[x, y]: &[f64; 2]| {
            let [x, y] = self.at(x, y);
            format!("{x:.1},{y:.1} ")
        };
        let places: String = points.iter().map(place).collect();
        self.add(format_args!("<polyline points=\"{}\" class=\"{class}\"/>", places.trim_end()));
    }

    /// A line over the whole width at `y`.
    pub fn level(&mut self, y: f64, class: &str) {
        let [low, high] = self.axes[0].range;
        self.line(&[[low, y], [high, y]], class);
    }

    /// A line over the whole height at `x`.
    pub fn upright(&mut self, x: f64, class: &str) {
        let [low, high] = self.axes[1].range;
        self.line(&[[x, low], [x, high]], class);
    }

    /// A filled rectangle between two corners; `fill` is how strongly, 0 to 1.
    pub fn area(&mut self, from: [f64; 2], to: [f64; 2], class: &str, fill: f64) {
        let ([x1, y1], [x2, y2]) = (self.at(from[0], from[1]), self.at(to[0], to[1]));
        let (x, y, width, height) = (x1.min(x2), y1.min(y2), (x1 - x2).abs(), (y1 - y2).abs());
        self.add(format_args!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" class=\"{class}\" fill-opacity=\"{fill:.2}\"/>"
        ));
    }

    /// A text `up` units above a place.
    pub fn text(&mut self, place: [f64; 2], up: f64, anchor: Anchor, class: &str, text: &str) {
        let ([x, y], text) = (self.at(place[0], place[1]), escape(text));
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let y = y - up;
        let _always = write!(
            self.texts,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" class=\"{class}\">{text}</text>"
        );
    }

    /// The picture, with axes; `alt` says in words what it shows.
    pub fn finish(self, alt: &str) -> String {
        let ([width, height], name, alt) = (SIZE, self.name, escape(alt));
        let (right, floor) = (width - RIGHT, height - BOTTOM);
        let mut svg = format!("<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{alt}\">");
        let (grid, labels) = self.grid();
        svg.push_str(&grid);
        // A dot on an axis is not cut.
        let (left, top) = (LEFT - EDGE, TOP - EDGE);
        let (inner_width, inner_height) = (right - LEFT + 2.0 * EDGE, floor - TOP + 2.0 * EDGE);
        let _always = write!(
            svg,
            "<clipPath id=\"{name}\"><rect x=\"{left}\" y=\"{top}\" width=\"{inner_width}\" height=\"{inner_height}\"/></clipPath>\
             <g clip-path=\"url(#{name})\">{}</g>\
             <path d=\"M{LEFT} {TOP}V{floor}H{right}\" class=\"axis\"/>{labels}{}</svg>",
            self.body, self.texts
        );
        svg
    }

    /// Fine lines at the ticks, and what is written beside the axes.
    fn grid(&self) -> (String, String) {
        let (right, floor) = (SIZE[0] - RIGHT, SIZE[1] - BOTTOM);
        let (mut grid, mut labels) = (String::new(), String::new());
        for (value, text) in &self.axes[0].ticks {
            let ([x, _], text) = (self.at(*value, self.axes[1].range[0]), escape(text));
            let _always = write!(grid, "<path d=\"M{x:.1} {TOP}V{floor}\" class=\"grid\"/>");
            let y = floor + 18.0;
            let _always = write!(labels, "<text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\">{text}</text>");
        }
        for (value, text) in &self.axes[1].ticks {
            let ([_, y], text) = (self.at(self.axes[0].range[0], *value), escape(text));
            let _always = write!(grid, "<path d=\"M{LEFT} {y:.1}H{right}\" class=\"grid\"/>");
            let (x, y) = (LEFT - 8.0, y + 4.0);
            let _always = write!(labels, "<text x=\"{x}\" y=\"{y:.1}\" text-anchor=\"end\">{text}</text>");
        }
        let [across, up] = [&self.axes[0].label, &self.axes[1].label].map(|label| escape(label));
        let (middle_x, middle_y) = ((LEFT + right) / 2.0, (TOP + floor) / 2.0);
        let below = SIZE[1] - 12.0;
        let _always = write!(
            labels,
            "<text x=\"{middle_x}\" y=\"{below}\" text-anchor=\"middle\" class=\"label\">{across}</text>\
             <text transform=\"translate(16 {middle_y}) rotate(-90)\" text-anchor=\"middle\" class=\"label\">{up}</text>"
        );
        (grid, labels)
    }
}

/// Text as it may stand in HTML and SVG.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_range_expect_whole_steps_that_hold_it() {
        let axis = Axis::numbers("x", -13.2, 104.0);
        assert_eq!(axis.range(), [-20.0, 120.0]);
        assert_eq!(axis.ticks.len(), 8);
        let shares = Axis::numbers("x", 0.0, 1.0);
        assert_eq!((shares.range(), shares.ticks[1].1.as_str()), ([0.0, 1.0], "0.2"));
        let one = Axis::numbers("x", 5.0, 5.0);
        assert!(one.range()[0] < one.range()[1], "{:?}", one.range());
    }

    #[test]
    fn given_marks_of_html_expect_them_as_text() {
        let mut figure = Figure::new("f", Axis::numbers("a<b", 0.0, 1.0), Axis::names("y", [String::from("G1")]));
        figure.dot(0.5, 0.0, 3.0, "point", "\"<script>\" & more");
        let svg = figure.finish("x");
        assert!(svg.contains("a&lt;b") && svg.contains("&quot;&lt;script&gt;&quot; &amp; more"), "{svg}");
    }
}
