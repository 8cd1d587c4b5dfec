//! Which display of a graphics device to draw on, and in which of its modes.

use super::PanelError;
use std::path::Path;

/// A connector and what hangs on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Output {
    /// Its name, as the kernel has it: `HDMI-A-1`.
    pub name: String,
    /// Whether a display is there.
    pub status: Status,
    /// The display's modes, the best first.
    pub modes: Vec<Mode>,
}

/// Whether a display hangs on a connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Connected,
    Disconnected,
    Unknown,
}

/// A mode of a display.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mode {
    /// Width and height in pixels.
    pub size: [u32; 2],
    /// Whether the display asks for this one.
    pub preferred: bool,
    /// Whether it draws every other row at a time, which flickers with fine print.
    pub interlaced: bool,
}

/// The output and its mode to draw on, as places in `outputs` and its modes.
///
/// Of the connected displays it is the first that has a mode of the size `wanted`, or any where none is wanted; of its modes the
/// preferred one, else the first. *Errors*: [`PanelError::NotConnected`], [`PanelError::NoMode`].
pub(super) fn choose(
    device: &Path,
    outputs: &[Output],
    wanted: Option<[u32; 2]>,
) -> Result<(usize, usize), PanelError> {
    let fits = |mode: &Mode| !mode.interlaced && wanted.is_none_or(|size| mode.size == size);
    let best = |output: &Output| {
        let fitting = || output.modes.iter().enumerate().filter(|(_, mode)| fits(mode));
        fitting().find(|(_, mode)| mode.preferred).or_else(|| fitting().next()).map(|(place, _)| place)
    };
    let connected = || outputs.iter().enumerate().filter(|(_, output)| output.status == Status::Connected);
    if let Some(chosen) = connected().find_map(|(place, output)| Some((place, best(output)?))) {
        return Ok(chosen);
    }
    match wanted {
        Some(wanted) if connected().next().is_some() => {
            let offered = connected().map(|(_, output)| offered(output));
            Err(PanelError::NoMode { device: device.into(), wanted, offered: offered.collect::<Vec<_>>().join("; ") })
        }
        _ => Err(PanelError::NotConnected { device: device.into(), connectors: statuses(outputs) }),
    }
}

/// Every connector with its status, for people.
fn statuses(outputs: &[Output]) -> String {
    let told = outputs.iter().map(|Output { name, status, .. }| match status {
        Status::Connected => format!("{name} connected without a mode"),
        Status::Disconnected => format!("{name} disconnected"),
        Status::Unknown => format!("{name} unknown"),
    });
    let told: Vec<_> = told.collect();
    if told.is_empty() { "it has no connectors".into() } else { told.join(", ") }
}

/// The sizes that a display offers, each once, for people.
fn offered(output: &Output) -> String {
    let mut sizes: Vec<_> = output.modes.iter().filter(|mode| !mode.interlaced).map(|mode| mode.size).collect();
    sizes.dedup();
    let sizes: Vec<_> = sizes.iter().map(|[width, height]| format!("{width} x {height}")).collect();
    format!("{}: {}", output.name, sizes.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(width: u32, height: u32) -> Mode {
        Mode { size: [width, height], preferred: false, interlaced: false }
    }

    fn output(name: &str, status: Status, modes: &[Mode]) -> Output {
        Output { name: name.into(), status, modes: modes.into() }
    }

    /// An HDMI display, a DSI display and an empty connector.
    fn outputs() -> [Output; 3] {
        let interlaced = Mode { interlaced: true, ..mode(1920, 1080) };
        let preferred = Mode { preferred: true, ..mode(1280, 720) };
        [
            output("HDMI-A-2", Status::Disconnected, &[]),
            output("HDMI-A-1", Status::Connected, &[interlaced, mode(1024, 768), preferred, mode(1280, 720)]),
            output("DSI-1", Status::Connected, &[mode(800, 480)]),
        ]
    }

    fn check(outputs: &[Output], wanted: Option<[u32; 2]>, expected: Result<(usize, usize), &str>) {
        let chosen = choose(Path::new("/dev/dri/card0"), outputs, wanted).map_err(|fault| fault.to_string());
        assert_eq!(chosen, expected.map_err(String::from));
    }

    #[test]
    fn given_no_wish_expect_the_first_display_in_the_mode_it_asks_for() {
        check(&outputs(), None, Ok((1, 2)));
        check(&outputs()[2..], None, Ok((0, 0)));
    }

    #[test]
    fn given_a_size_expect_the_display_that_has_it() {
        check(&outputs(), Some([800, 480]), Ok((2, 0)));
        check(&outputs(), Some([1024, 768]), Ok((1, 1)));
        check(
            &outputs(),
            Some([1920, 1080]),
            Err(
                "panel /dev/dri/card0: no connected display offers panel.size 1920 x 1080 (HDMI-A-1: 1024 x 768, 1280 x 720; DSI-1: 800 x 480); take one of these or leave it out",
            ),
        );
    }

    #[test]
    fn given_no_display_expect_every_connector_named() {
        let unsure = [output("HDMI-A-1", Status::Disconnected, &[]), output("Composite-1", Status::Unknown, &[])];
        let told = "panel /dev/dri/card0: no display is connected (HDMI-A-1 disconnected, Composite-1 unknown); plug it in and switch it on first";
        check(&unsure, None, Err(told));
        check(&unsure, Some([800, 480]), Err(told));
        check(
            &[],
            None,
            Err(
                "panel /dev/dri/card0: no display is connected (it has no connectors); plug it in and switch it on first",
            ),
        );
    }
}
