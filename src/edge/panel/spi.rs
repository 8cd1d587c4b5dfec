//! Small displays on the SPI bus of a Raspberry Pi: ILI9341, ILI9486 and ST7789, by mipidsi over rppal.
//!
//! Always holds: only changed rows are sent; the display is black until the first picture, and its backlight is dark until then.
//! Nothing is read back, so a display that is not wired is not noticed. Deliberately absent: modules of the ILI9486 that take 16-bit words through
//! shift registers (most "3.5 inch" hats): they need the kernel's driver and `panel.driver = "drm"` or `"fbdev"`.

use super::PanelError;
use crate::{
    config::{SpiModel, SpiScreen},
    frame::Picture,
};
use embedded_graphics::{pixelcolor::Rgb888, prelude::*, primitives::Rectangle};
use embedded_hal::delay::DelayNs;
use mipidsi::{
    Builder, InitError, NoResetPin,
    interface::{InterfacePixelFormat, SpiError, SpiInterface},
    models::{ILI9341Rgb565, ILI9486Rgb666, Model, ST7789},
    options::{ColorInversion, ColorOrder, Orientation},
};
use rppal::{
    gpio::{self, Gpio, OutputPin},
    hal::Delay,
    spi::{self, Bus, Mode, SimpleHalSpiDevice, SlaveSelect},
};
use std::{convert::Infallible, ops::Range, path::PathBuf};

/// The most bytes of one transfer. *Source*: `bufsiz` of the kernel's spidev, whose default this is; more is refused.
const TRANSFER_BYTES_MAX: usize = 4096;
/// How long the reset pin is held, and how long the controller then needs. *Source*: ILI9341 datasheet V1.11, section 15.4
/// (10 us, 120 ms), the longest of the three; ten times the pulse costs nothing.
const RESET_PULSE_US: u32 = 100;
const RESET_WAIT_MS: u32 = 120;
/// The rate of the backlight's pulses, above what the eye sees flicker. *Units*: Hz.
const PULSE_HZ: f64 = 150.0;

/// An open display, with all its pins: they go back to what they were when dropped.
pub(super) struct Spi {
    device: PathBuf,
    controller: Controller,
    _reset: Option<OutputPin>,
    _light: Option<OutputPin>,
}

type Wire = SpiInterface<'static, SimpleHalSpiDevice, OutputPin>;
type Panel<M> = mipidsi::Display<Wire, M, NoResetPin>;
type WireError = SpiError<spi::Error, Infallible>;

enum Controller {
    Ili9341(Panel<ILI9341Rgb565>),
    Ili9486(Panel<ILI9486Rgb666>),
    St7789(Panel<ST7789>),
}

impl Spi {
    /// Opens a display and makes it black. *Errors*: [`PanelError`].
    pub(super) fn open(screen: &SpiScreen) -> Result<Self, PanelError> {
        let device = PathBuf::from(format!("/dev/spidev{}.{}", screen.bus, screen.chip_select));
        let failed = |source| PanelError::Bus { device: device.clone(), source };
        let bus = spi::Spi::new(bus(screen.bus), chip_select(screen.chip_select), screen.clock_hz, Mode::Mode0);
        let bus = bus.map_err(|fault| match fault {
            spi::Error::Io(source) => PanelError::opening(device.clone(), "spi", source),
            source => failed(source),
        })?;

        let data_command = output("data_command_pin", screen.data_command_pin)?;
        let mut reset = screen.reset_pin.map(|pin| output("reset_pin", pin)).transpose()?;
        let light = screen.backlight_pin.map(|pin| Ok((pin, output("backlight_pin", pin)?))).transpose()?;
        if let Some(pin) = &mut reset {
            Delay.delay_us(RESET_PULSE_US);
            pin.set_high();
            Delay.delay_ms(RESET_WAIT_MS);
        }

        // The interface borrows its buffer for good; a display is opened once a start.
        let buffer = vec![0; TRANSFER_BYTES_MAX].leak();
        let wire = SpiInterface::new(SimpleHalSpiDevice::new(bus), data_command, buffer);
        let controller = match screen.model {
            SpiModel::Ili9341 => started(ILI9341Rgb565, wire, screen).map(Controller::Ili9341),
            SpiModel::Ili9486 => started(ILI9486Rgb666, wire, screen).map(Controller::Ili9486),
            SpiModel::St7789 => started(ST7789, wire, screen).map(Controller::St7789),
        };
        let controller = controller.map_err(|fault| failed(cause(fault)))?;
        let light = light.map(|(pin, light)| lit(pin, light, screen.brightness_percent)).transpose()?;
        Ok(Self { device, controller, _reset: reset, _light: light })
    }

    pub(super) fn size(&self) -> (usize, usize) {
        let size = match &self.controller {
            Controller::Ili9341(panel) => panel.size(),
            Controller::Ili9486(panel) => panel.size(),
            Controller::St7789(panel) => panel.size(),
        };
        (size.width as usize, size.height as usize)
    }

    /// Sends the changed rows. *Errors*: [`PanelError::Bus`].
    pub(super) fn show(&mut self, picture: &Picture, changed: &[Range<usize>]) -> Result<(), PanelError> {
        let sent = match &mut self.controller {
            Controller::Ili9341(panel) => send(panel, picture, changed),
            Controller::Ili9486(panel) => send(panel, picture, changed),
            Controller::St7789(panel) => send(panel, picture, changed),
        };
        sent.map_err(|fault| PanelError::Bus { device: self.device.clone(), source: cause(fault) })
    }
}

/// Sends the rows `changed` of a picture to a display of its size.
fn send<D>(display: &mut D, picture: &Picture, changed: &[Range<usize>]) -> Result<(), D::Error>
where
    D: DrawTarget,
    D::Color: From<Rgb888>,
{
    for run in changed {
        let (corner, size) = (Point::new(0, run.start as i32), Size::new(picture.width() as u32, run.len() as u32));
        let rgb = run.clone().flat_map(|y| picture.frame().row(y).chunks_exact(3));
        let colours = rgb.map(|pixel| D::Color::from(Rgb888::new(pixel[0], pixel[1], pixel[2])));
        display.fill_contiguous(&Rectangle::new(corner, size), colours)?;
    }
    Ok(())
}

/// Sets a controller up and makes it black.
fn started<M>(model: M, wire: Wire, screen: &SpiScreen) -> Result<Panel<M>, WireError>
where
    M: Model<ColorFormat: InterfacePixelFormat<u8>>,
{
    let panel = Builder::new(model, wire)
        .orientation(orientation(screen.model))
        .color_order(if screen.bgr { ColorOrder::Bgr } else { ColorOrder::Rgb })
        .invert_colors(if screen.inverted { ColorInversion::Inverted } else { ColorInversion::Normal })
        .init(&mut Delay);
    let mut panel = panel.map_err(|fault| match fault {
        InitError::Interface(fault) => fault,
        InitError::InvalidConfiguration(fault) => unreachable!("whole displays of models that speak SPI: {fault:?}"),
    })?;
    panel.clear(M::ColorFormat::BLACK)?;
    Ok(panel)
}

/// How the controller's memory lies on the glass. Pictures are turned before they come here.
///
/// *Source*: the ILI controllers' usual modules count columns from the right, see MADCTL in the kernel's drm/tiny/ili9341.c (MX) and
/// staging/fbtft/fb_ili9486.c (one mirrored axis); staging/fbtft/fb_st7789v.c mirrors none.
fn orientation(model: SpiModel) -> Orientation {
    match model {
        SpiModel::Ili9341 | SpiModel::Ili9486 => Orientation::new().flip_horizontal(),
        SpiModel::St7789 => Orientation::new(),
    }
}

/// A pin as an output, low: a backlight is dark, a controller in reset. `key` is where the board file has it.
fn output(key: &'static str, pin: u8) -> Result<OutputPin, PanelError> {
    let taken = Gpio::new().and_then(|gpio| gpio.get(pin));
    taken.map(gpio::Pin::into_output_low).map_err(|source| PanelError::Pin { key, pin, source })
}

/// The backlight's pin at its brightness; full is simply on, as pulses cost a thread of a few percent of a core.
fn lit(pin: u8, mut light: OutputPin, brightness_percent: u32) -> Result<OutputPin, PanelError> {
    if brightness_percent >= 100 {
        light.set_high();
    } else {
        let share = f64::from(brightness_percent) / 100.0;
        let pulsing = light.set_pwm_frequency(PULSE_HZ, share);
        pulsing.map_err(|source| PanelError::Pin { key: "backlight_pin", pin, source })?;
    }
    Ok(light)
}

fn cause(fault: WireError) -> spi::Error {
    let SpiError::Spi(source) = fault;
    source
}

fn bus(number: u8) -> Bus {
    match number {
        0 => Bus::Spi0,
        1 => Bus::Spi1,
        2 => Bus::Spi2,
        3 => Bus::Spi3,
        4 => Bus::Spi4,
        5 => Bus::Spi5,
        6 => Bus::Spi6,
        _ => unreachable!("the board file is checked: bus 0 to 6"),
    }
}

fn chip_select(number: u8) -> SlaveSelect {
    match number {
        0 => SlaveSelect::Ss0,
        1 => SlaveSelect::Ss1,
        2 => SlaveSelect::Ss2,
        _ => unreachable!("the board file is checked: chip select 0 to 2"),
    }
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init)] // One run is what is meant.
mod tests;
