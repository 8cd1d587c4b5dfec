//! A display's backlight below `/sys/class/backlight`.

use super::PanelError;
use crate::config::Backlight;
use std::{fs, io};

/// Sets the backlight to its percentage of the most it can, at least one step, so that it is never off.
///
/// *Errors*: [`PanelError::Backlight`]. *Source*: the kernel's Documentation/ABI/stable/sysfs-class-backlight.
pub(super) fn set(light: &Backlight) -> Result<(), PanelError> {
    let most = light.device.join("max_brightness");
    let unset = |path: &std::path::Path, source| PanelError::Backlight { path: path.into(), source };
    let text = fs::read_to_string(&most).map_err(|source| unset(&most, source))?;
    let steps: u32 = text.trim().parse().map_err(|_| unset(&most, io::ErrorKind::InvalidData.into()))?;
    let now = light.device.join("brightness");
    let step = (u64::from(steps) * u64::from(light.brightness_percent) / 100).max(1);
    // An ordinary create would make a file in the place of a display that is not there.
    let file = fs::OpenOptions::new().write(true).truncate(true).open(&now);
    file.and_then(|mut file| io::Write::write_all(&mut file, step.to_string().as_bytes()))
        .map_err(|source| unset(&now, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(most: &str, brightness_percent: u32, expected: Result<&str, &str>) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("max_brightness"), most).unwrap();
        fs::write(folder.path().join("brightness"), "999\n").unwrap();
        let answer = set(&Backlight { device: folder.path().into(), brightness_percent });
        match expected {
            Ok(step) => {
                answer.unwrap();
                assert_eq!(fs::read_to_string(folder.path().join("brightness")).unwrap(), step);
            }
            Err(part) => assert!(answer.unwrap_err().to_string().contains(part)),
        }
    }

    #[test]
    fn given_a_percentage_expect_that_part_of_the_most_and_never_off() {
        check("255\n", 100, Ok("255"));
        check("255\n", 40, Ok("102"));
        check("31\n", 1, Ok("1"));
        check("bright\n", 50, Err("max_brightness"));
        let nowhere = set(&Backlight { device: "/nowhere".into(), brightness_percent: 50 });
        assert!(nowhere.unwrap_err().to_string().starts_with("panel.backlight /nowhere/max_brightness: cannot be set"));
    }
}
