use super::*;

/// The one line that a board file's error prints.
fn error(text: &str) -> String {
    Board::parse(text, Path::new("board/x.toml")).unwrap_err().to_string()
}

const HEAD: &str = "name = \"x\"\n[files]\njournal = \"j\"\n[capture]\nsource = \"camera\"\ndevice = \"/dev/video0\"\n";

#[test]
fn given_an_unknown_key_expect_file_line_and_key() {
    let text = format!("{HEAD}fps = 30\n[panel]\ndriver = \"drm\"\ndevice = \"/dev/dri/card0\"\n");
    let printed = error(&text);
    assert!(printed.starts_with("board file board/x.toml, line "), "{printed}");
    assert!(printed.contains("unknown field `fps`"), "{printed}");
}

#[test]
fn given_a_pin_used_twice_expect_both_keys() {
    let screen =
        "driver = \"spi\"\nmodel = \"ili9341\"\nbus = 0\nchip_select = 0\nclock_hz = 32000000\ndata_command_pin = 24\n";
    let text = |pin: u8| format!("{HEAD}[panel]\n{screen}[controls.gpio]\naccept = {pin}\n");
    assert!(Board::parse(&text(5), Path::new("x")).is_ok());
    assert_eq!(
        error(&text(24)),
        "board file board/x.toml: GPIO 24 is both panel.data_command_pin and controls.gpio.accept; give each its own pin"
    );
    assert!(error(&text(11)).contains("the SPI bus's clock"));
    assert!(error(&text(40)).contains("controls.gpio.accept = 40, outside 0 to 27"));
}

#[test]
fn given_a_key_for_bundles_expect_it_read_and_what_is_none_named_with_its_line() {
    let panel = "[panel]\ndriver = \"drm\"\ndevice = \"/dev/dri/card0\"\n";
    let text = |key: &str| format!("{HEAD}{panel}[bundle]\nkey = \"{key}\"\n");
    // Source: the key of minisign's own page.
    let key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    let board = Board::parse(&text(key), Path::new("x")).unwrap();
    assert_eq!(board.bundle.key.unwrap().id().to_string(), "E7620F1842B4E81F");
    let printed = error(&text(&key[1..]));
    assert!(printed.contains("line 11") && printed.contains("is no minisign public key"), "{printed}");
    let unknown = error(&format!("{HEAD}{panel}[bundle]\nkeys = 3\n"));
    assert!(unknown.contains("unknown field `keys`"), "{unknown}");
    assert_eq!(Board::parse(&format!("{HEAD}{panel}"), Path::new("x")).unwrap().bundle, Bundles::default());
}

#[test]
fn given_nonsense_expect_one_line_and_no_panic() {
    for text in ["", "name", "name = 3", "[panel]\ndriver = \"tube\"", "\u{0}", "name = \"a\"\nname = \"b\""] {
        let printed = error(text);
        assert!(printed.starts_with("board file board/x.toml, line ") && !printed.contains('\n'), "{printed}");
    }
    let turned = format!("{HEAD}[panel]\ndriver = \"drm\"\ndevice = \"d\"\nrotation = 45\n");
    assert!(error(&turned).contains("rotation is 0, 90, 180 or 270"), "{}", error(&turned));
}

#[test]
fn given_the_boards_of_this_project_expect_each_in_order() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("board");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let boards: Vec<_> = files.filter(|file| file.extension().is_some_and(|name| name == "toml")).collect();
    assert!(boards.len() >= 5, "{boards:?}");
    for board in boards {
        assert!(!Board::open(&board).unwrap().name.is_empty());
    }
}
