//! A display of the kernel's mode setting: HDMI, DSI, a virtual one, and the firmware's (simpledrm).
//!
//! Two buffers: one is shown while the other is drawn, then they change places between two refreshes. Always holds: what is drawn is never
//! on the display, so no picture is seen half; every wait is bounded by [`FLIP_WAIT_MAX`] or by the kernel's own ten seconds.
//! The calls are those of legacy mode setting, which every driver answers: drivers of today map them to atomic commits that take the whole
//! buffer as changed, and those without a vertical blank (virtio-gpu, simpledrm) send the event of the change at once.
//! *Source*: Linux 6.1 drm_plane.c and drm_atomic_helper.c (`drm_atomic_helper_page_flip`, `drm_atomic_helper_fake_vblank`).

use super::{PanelError, modes, rows};
use crate::{config::Screen, frame::Picture};
use drm::{
    Device as _,
    buffer::{Buffer as _, DrmFourcc},
    control::{
        Device as _, Event, Mode, ModeFlags, ModeTypeFlags, PageFlipFlags, ResourceHandles, connector, crtc,
        dumbbuffer::DumbBuffer, framebuffer,
    },
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::{
    fs::{File, OpenOptions},
    io,
    os::fd::{AsFd, BorrowedFd},
    path::PathBuf,
    time::{Duration, Instant},
};

/// The longest wait for a picture to be on the display. A refresh takes 17 ms, on emulated machines some more.
pub(super) const FLIP_WAIT_MAX: Duration = Duration::from_secs(1);

/// An open display.
pub(super) struct Drm {
    device: PathBuf,
    card: Card,
    connector: connector::Handle,
    crtc: crtc::Handle,
    mode: Mode,
    buffers: [Buffer; 2],
    /// Which buffer is shown, or will be after the change that is under way.
    front: usize,
    /// Whether a change of buffers is under way.
    flipping: bool,
}

/// A picture's memory that the display can be pointed at. The kernel frees it when the card is closed.
struct Buffer {
    pixels: DumbBuffer,
    framebuffer: framebuffer::Handle,
}

struct Card(File);

impl AsFd for Card {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl drm::Device for Card {}
impl drm::control::Device for Card {}

impl Drm {
    /// Opens a display and makes it black. *Errors*: [`PanelError`].
    pub(super) fn open(screen: &Screen) -> Result<Self, PanelError> {
        let device = &screen.device;
        let file = OpenOptions::new().read(true).write(true).open(device);
        let card = Card(file.map_err(|source| PanelError::opening(device.clone(), "video", source))?);
        // Whoever opens a card without a master is its master; asking again tells whether that is us.
        card.acquire_master_lock().map_err(|source| match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ResourceBusy => {
                PanelError::Busy { device: device.clone() }
            }
            _ => PanelError::NoDisplays { device: device.clone(), source },
        })?;
        let resources = card.resource_handles();
        let resources = resources.map_err(|source| PanelError::NoDisplays { device: device.clone(), source })?;

        let connectors = resources.connectors().iter().filter_map(|&handle| card.get_connector(handle, true).ok());
        let connectors: Vec<_> = connectors.collect();
        let outputs: Vec<_> = connectors.iter().map(output).collect();
        let (chosen, mode) = modes::choose(device, &outputs, screen.size)?;
        let (connector, mode) = (&connectors[chosen], connectors[chosen].modes()[mode]);
        let crtc = feeding(&card, &resources, connector)
            .ok_or_else(|| PanelError::NoFeed { device: device.clone(), connector: outputs[chosen].name.clone() })?;

        let undrawn = |source| PanelError::Draw { device: device.clone(), source };
        let buffer = || Buffer::new(&card, mode).map_err(undrawn);
        let buffers = [buffer()?, buffer()?];
        let (connector, black) = (connector.handle(), buffers[0].framebuffer);
        card.set_crtc(crtc, Some(black), (0, 0), &[connector], Some(mode)).map_err(undrawn)?;
        Ok(Self { device: device.clone(), card, connector, crtc, mode, buffers, front: 0, flipping: false })
    }

    pub(super) fn size(&self) -> (usize, usize) {
        let (width, height) = self.mode.size();
        (width.into(), height.into())
    }

    /// Shows a picture. *Errors*: [`PanelError::Draw`], [`PanelError::Stalled`].
    pub(super) fn show(&mut self, picture: &Picture) -> Result<(), PanelError> {
        // Only after a display that stalled: until it has let go of the back buffer, nothing may be drawn there.
        if self.flipping {
            self.await_flip()?;
        }
        let undrawn = |source| PanelError::Draw { device: self.device.clone(), source };
        let back = 1 - self.front;
        self.buffers[back].draw(&self.card, picture).map_err(undrawn)?;
        let shown = self.buffers[back].framebuffer;
        if self.card.page_flip(self.crtc, shown, PageFlipFlags::EVENT, None).is_ok() {
            (self.front, self.flipping) = (back, true);
            return self.await_flip();
        }
        // A driver without page flips, or a display that was switched off: setting the mode again shows the buffer too, and whatever
        // is really wrong is told by its error.
        self.card.set_crtc(self.crtc, Some(shown), (0, 0), &[self.connector], Some(self.mode)).map_err(undrawn)?;
        self.front = back;
        // Drivers that copy only what they are told has changed need this; the others do not know the call, which is no fault.
        let _unknown_call = self.card.dirty_framebuffer(shown, &[]);
        Ok(())
    }

    /// Waits until the change of buffers is done.
    fn await_flip(&mut self) -> Result<(), PanelError> {
        let failed = |source| PanelError::Draw { device: self.device.clone(), source };
        let end = Instant::now() + FLIP_WAIT_MAX;
        while self.flipping {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(PanelError::Stalled { device: self.device.clone(), waited_ms: FLIP_WAIT_MAX.as_millis() });
            }
            let timeout = Timespec::try_from(left).expect("a second fits");
            match poll(&mut [PollFd::new(&self.card, PollFlags::IN)], Some(&timeout)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => continue,
                Ok(_) => {}
                Err(fault) => return Err(failed(fault.into())),
            }
            let mut events = self.card.receive_events().map_err(failed)?;
            self.flipping = !events.any(|event| matches!(event, Event::PageFlip(_)));
        }
        Ok(())
    }
}

impl Buffer {
    /// A black buffer of a mode's size.
    fn new(card: &Card, mode: Mode) -> io::Result<Self> {
        let (width, height) = mode.size();
        let pixels = card.create_dumb_buffer((width.into(), height.into()), DrmFourcc::Xrgb8888, 32)?;
        let framebuffer = card.add_framebuffer(&pixels, 24, 32)?;
        Ok(Self { pixels, framebuffer })
    }

    fn draw(&mut self, card: &Card, picture: &Picture) -> io::Result<()> {
        let stride = self.pixels.pitch() as usize;
        let mut bytes = card.map_dumb_buffer(&mut self.pixels)?;
        for (y, out) in bytes.chunks_exact_mut(stride).take(picture.height()).enumerate() {
            rows::to_xrgb8888(picture.frame().row(y), out);
        }
        Ok(())
    }
}

/// A connector as the choice takes it.
fn output(connector: &connector::Info) -> modes::Output {
    let mode = |mode: &Mode| modes::Mode {
        size: [mode.size().0.into(), mode.size().1.into()],
        preferred: mode.mode_type().contains(ModeTypeFlags::PREFERRED),
        interlaced: mode.flags().contains(ModeFlags::INTERLACE),
    };
    let status = match connector.state() {
        connector::State::Connected => modes::Status::Connected,
        connector::State::Disconnected => modes::Status::Disconnected,
        connector::State::Unknown => modes::Status::Unknown,
    };
    modes::Output { name: connector.to_string(), status, modes: connector.modes().iter().map(mode).collect() }
}

/// The part of the card that can feed a connector: the one that does already, else the first that may.
fn feeding(card: &Card, resources: &ResourceHandles, connector: &connector::Info) -> Option<crtc::Handle> {
    let encoder = |handle: &_| card.get_encoder(*handle).ok();
    let fed = connector.current_encoder().and_then(|handle| encoder(&handle)?.crtc());
    let possible = || connector.encoders().iter().filter_map(encoder);
    fed.or_else(|| possible().find_map(|encoder| resources.filter_crtcs(encoder.possible_crtcs()).first().copied()))
}
