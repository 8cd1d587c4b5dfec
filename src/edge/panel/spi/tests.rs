//! What goes over the wire, recorded by a bus and pins that are values.

use super::*;
use embedded_hal::{digital, spi as hal};
use std::{cell::RefCell, rc::Rc};

/// Everything sent so far: commands with the bytes that followed.
type Sent = Rc<RefCell<Vec<(u8, Vec<u8>)>>>;

/// The data/command pin; the bus looks at it.
#[derive(Clone, Default)]
struct DataCommand(Rc<RefCell<bool>>);

impl digital::ErrorType for DataCommand {
    type Error = Infallible;
}

impl digital::OutputPin for DataCommand {
    fn set_low(&mut self) -> Result<(), Infallible> {
        *self.0.borrow_mut() = false;
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        *self.0.borrow_mut() = true;
        Ok(())
    }
}

struct Recorder {
    is_data: DataCommand,
    sent: Sent,
}

impl hal::ErrorType for Recorder {
    type Error = Infallible;
}

impl hal::SpiDevice for Recorder {
    fn transaction(&mut self, operations: &mut [hal::Operation<'_, u8>]) -> Result<(), Infallible> {
        let mut sent = self.sent.borrow_mut();
        for operation in operations {
            let hal::Operation::Write(bytes) = operation else { panic!("nothing but writes is expected") };
            assert!(bytes.len() <= TRANSFER_BYTES_MAX);
            match sent.last_mut() {
                Some((_, data)) if *self.is_data.0.borrow() => data.extend_from_slice(bytes),
                _ => sent.push((bytes[0], Vec::new())),
            }
        }
        Ok(())
    }
}

struct NoDelay;

impl DelayNs for NoDelay {
    fn delay_ns(&mut self, _: u32) {}
}

/// What is sent for the rows `changed` of a picture in `colour` on the display of `model`, after it was set up.
fn check<M>(model: M, colour: [u8; 3], changed: &[Range<usize>], expected: &[(u8, Vec<u8>)])
where
    M: Model<ColorFormat: InterfacePixelFormat<u8> + From<Rgb888>>,
{
    let (is_data, sent) = (DataCommand::default(), Sent::default());
    let recorder = Recorder { is_data: is_data.clone(), sent: Rc::clone(&sent) };
    let wire = SpiInterface::new(recorder, is_data, vec![0; TRANSFER_BYTES_MAX].leak());
    let Ok(mut panel) = Builder::new(model, wire).init(&mut NoDelay) else { panic!("the recorder takes everything") };
    sent.borrow_mut().clear();
    let size = panel.size();
    send(&mut panel, &Picture::filled(size.width as usize, size.height as usize, colour), changed).unwrap();
    assert_eq!(*sent.borrow(), expected);
}

#[test]
fn given_two_changed_runs_expect_a_window_and_its_pixels_for_each() {
    let red = |pixels: usize| [0xf8, 0x00].repeat(pixels);
    let expected = [
        (0x2a, vec![0, 0, 0, 239]),
        (0x2b, vec![0, 7, 0, 7]),
        (0x2c, red(240)),
        (0x2a, vec![0, 0, 0, 239]),
        (0x2b, vec![1, 0, 1, 63]),
        (0x2c, red(240 * 64)),
    ];
    check(ILI9341Rgb565, [255, 0, 0], &[7..8, 256..320], &expected);
    check(ST7789, [255, 0, 0], &[7..8, 256..320], &expected);
}

#[test]
fn given_an_ili9486_expect_three_bytes_a_pixel() {
    let expected = [(0x2a, vec![0, 0, 1, 63]), (0x2b, vec![1, 223, 1, 223]), (0x2c, [0xfc, 0, 0].repeat(320))];
    check(ILI9486Rgb666, [255, 0, 0], &[479..480], &expected);
}

#[test]
fn given_nothing_changed_expect_nothing_sent() {
    check(ILI9341Rgb565, [1, 2, 3], &[], &[]);
}
