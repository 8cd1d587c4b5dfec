//! The display as a whole, on a picture file.

use super::*;
use crate::config::{PngFile, Screen};
use std::{fs, path::Path};

fn open_png(path: &Path, size: [u32; 2]) -> Display {
    Display::open(&Panel::Png(PngFile { path: path.into(), size })).unwrap()
}

#[test]
fn given_a_picture_expect_the_file_whole_and_nothing_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("panel.png");
    let mut display = open_png(&path, [4, 3]);
    assert_eq!(display.size(), (4, 3));
    for colour in [[200, 10, 30], [0, 0, 9]] {
        let picture = Picture::filled(4, 3, colour);
        display.show(&picture).unwrap();
        assert_eq!(image::open(&path).unwrap().into_rgb8().into_raw(), picture.as_rgb());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
    assert!(display.is_open());
}

#[test]
fn given_the_same_picture_again_expect_no_work_until_a_fault() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("panel.png");
    let mut display = open_png(&path, [4, 3]);
    let (first, second) = (Picture::filled(4, 3, [1; 3]), Picture::filled(4, 3, [2; 3]));
    display.show(&first).unwrap();
    fs::remove_file(&path).unwrap();
    display.show(&first).unwrap();
    assert!(!path.exists());
    // A folder in the file's place cannot be replaced; once it is gone, the picture that was there before is drawn again.
    fs::create_dir_all(path.join("full")).unwrap();
    let fault = display.show(&second).unwrap_err().to_string();
    assert!(fault.starts_with(&format!("panel {}: cannot be written (", path.display())), "{fault}");
    fs::remove_dir_all(&path).unwrap();
    display.show(&first).unwrap();
    assert!(path.exists());
}

#[test]
fn given_a_picture_of_another_size_expect_both_sizes_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut display = open_png(&folder.path().join("panel.png"), [4, 3]);
    let fault = display.show(&Picture::filled(3, 4, [0; 3])).unwrap_err();
    assert_eq!(fault.to_string(), "a picture of 3 x 4 for a panel of 4 x 3; draw it in the panel's size");
}

#[test]
fn given_a_device_that_is_no_display_expect_one_line_and_what_to_do() {
    let screen = |device: &str| Screen { device: device.into(), size: None, rotation: Rotation::None, backlight: None };
    let fault = |panel: &Panel| Display::open(panel).err().unwrap().to_string();
    assert_eq!(
        fault(&Panel::Drm(screen("/dev/dri/none"))),
        "panel /dev/dri/none: is not there; check panel.device in the board file, the cable and the display's overlay"
    );
    let printed = fault(&Panel::Drm(screen("/dev/null")));
    assert!(printed.starts_with("panel /dev/null: drives no display ("), "{printed}");
    let printed = fault(&Panel::Fbdev(screen("/dev/null")));
    assert!(printed.starts_with("panel /dev/null: its layout in /sys/class/graphics/null/virtual_size"), "{printed}");
    #[cfg(not(feature = "window"))]
    assert_eq!(
        fault(&Panel::Window(crate::config::Pictured { size: [8, 8] })),
        "panel.driver = \"window\": this program has none; build it with --features window (needs libsdl2-dev)"
    );
}
