//! A bundle's signature: minisign's format, over the manifest, whose hashes hold every other entry.
//!
//! The standard tool can make and check it: `tar xf BUNDLE manifest.json manifest.json.minisig; minisign -Vm manifest.json -P KEY`.
//! Always holds: the entry is four lines of which every bit counts; nothing of a signature is believed before its key has checked
//! it. No clock takes part in checking. *Source*: <https://jedisct1.github.io/minisign/>, "Signature format".

use minisign::{PublicKey as PublicHalf, SecretKey, SecretKeyBox};
use minisign_verify::PublicKey;
use serde::Deserialize;
use std::{
    fmt::{self, Display},
    io::Cursor,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The entry's name.
pub const SIGNATURE_ENTRY: &str = "manifest.json.minisig";
/// The first line, which no signature covers: always this, so that no bit of a bundle can change unseen.
const FIRST_LINE: &str = "untrusted comment: signature of a sonogfr bundle's manifest";
/// How long a secret key is: algorithms, salt and limits of its password, key, checksum.
const SECRET_KEY_BYTES: usize = 158;
/// 2026-01-01T00:00:00Z: a clock before it was not set.
const CLOCK_MIN: Duration = Duration::from_secs(1_767_225_600);

/// Tells a pair of keys from others; written as minisign does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyId(u64);

impl Display for KeyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:016X}", self.0)
    }
}

impl KeyId {
    /// Of a key or signature in base64: both begin with two bytes for the algorithm and eight for the key.
    fn of(base64: &str) -> Option<Self> {
        let bytes = decode(base64.get(..16)?)?;
        Some(Self(u64::from_le_bytes(bytes.get(2..10)?.try_into().ok()?)))
    }
}

/// What base64 stands for; none where it is no base64.
fn decode(base64: &str) -> Option<Vec<u8>> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for letter in base64.trim_end_matches('=').bytes() {
        held = held << 6 & 0xFFFF | ALPHABET.iter().position(|&own| own == letter)? as u32;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
        }
    }
    Some(bytes)
}

/// A public key, by which a device or a person trusts bundles.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Key {
    public: PublicKey,
    id: KeyId,
}

/// A text that is no public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no minisign public key; it is one line of 56 letters that begins with RW")]
pub struct KeyError;

impl Key {
    /// Of a key as it stands in the last line of `minisign.pub`, or of that whole file. *Errors*: it is none.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let line = text.trim().lines().last().unwrap_or_default().trim();
        let public = PublicKey::from_base64(line).map_err(|_| KeyError)?;
        Ok(Self { public, id: KeyId::of(line).ok_or(KeyError)? })
    }

    /// Which key it is.
    pub fn id(&self) -> KeyId {
        self.id
    }
}

impl TryFrom<String> for Key {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, KeyError> {
        Self::parse(&text)
    }
}

/// Why a bundle is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// It has no signature.
    #[error("is not signed; sign it with `sonogfr bundle sign`")]
    Unsigned,
    /// Nothing says whose signature would do.
    #[error(
        "cannot be trusted, as the board file names no key ([bundle] key = \"RW...\"); without one only a demonstration runs"
    )]
    NoKey,
    /// Another key signed it.
    #[error("is signed by key {signed} and not by {trusted}, which is trusted")]
    OtherKey {
        /// The key that signed.
        signed: KeyId,
        /// The key that is trusted.
        trusted: KeyId,
    },
    /// The signature is not that of this manifest by this key.
    #[error(
        "has a signature that does not fit: it was changed after key {key} signed it, or key and signature are of two makers"
    )]
    Wrong {
        /// The key that is trusted.
        key: KeyId,
    },
    /// The entry is no signature.
    #[error("has a damaged signature; copy it again")]
    Damaged,
}

/// A signature as it stands in a bundle, not yet believed.
#[derive(Clone)]
pub struct Signature {
    text: String,
    inner: minisign_verify::Signature,
    key: KeyId,
}

impl fmt::Debug for Signature {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Signature by {}", self.key)
    }
}

impl Signature {
    /// Of an entry's bytes. *Errors*: [`SignatureError::Damaged`].
    pub fn parse(entry: &[u8]) -> Result<Self, SignatureError> {
        let text = std::str::from_utf8(entry).map_err(|_| SignatureError::Damaged)?;
        let lines: Vec<&str> = text.lines().collect();
        let [first, signature, _, _] = lines[..] else { return Err(SignatureError::Damaged) };
        // As written and no other way: what a reader would overlook, such as other line ends, is damage.
        if first != FIRST_LINE || text != format!("{}\n", lines.join("\n")) {
            return Err(SignatureError::Damaged);
        }
        let inner = minisign_verify::Signature::decode(text).map_err(|_| SignatureError::Damaged)?;
        let key = KeyId::of(signature).ok_or(SignatureError::Damaged)?;
        Ok(Self { text: text.into(), inner, key })
    }

    /// Of a signature file that the minisign tool made. *Errors*: [`SignatureError::Damaged`].
    pub fn of_tool(file: &[u8]) -> Result<Self, SignatureError> {
        let text = std::str::from_utf8(file).map_err(|_| SignatureError::Damaged)?;
        let (_, rest) = text.split_once('\n').ok_or(SignatureError::Damaged)?;
        Self::parse(format!("{FIRST_LINE}\n{rest}").as_bytes())
    }

    /// The entry's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The key that signed, as the signature says.
    pub fn key(&self) -> KeyId {
        self.key
    }

    /// What its maker wrote beside it, with nothing that a terminal would obey; true only once a key has checked it.
    pub fn comment(&self) -> String {
        self.inner.trusted_comment().replace(|letter: char| letter.is_control(), " ")
    }

    /// Whether it is that of `manifest` by `key`. *Errors*: why not.
    pub fn check(&self, manifest: &[u8], key: &Key) -> Result<(), SignatureError> {
        if self.key != key.id {
            return Err(SignatureError::OtherKey { signed: self.key, trusted: key.id });
        }
        key.public.verify(manifest, &self.inner, false).map_err(|_| SignatureError::Wrong { key: key.id })
    }
}

/// Whether a device may run a bundle: one that is signed by its key, and any demonstration, which says so on every screen.
///
/// *Errors*: why not.
pub fn trust(
    demonstration: bool,
    manifest: &[u8],
    signature: Option<&Signature>,
    key: Option<&Key>,
) -> Result<(), SignatureError> {
    if demonstration {
        return Ok(());
    }
    let key = key.ok_or(SignatureError::NoKey)?;
    signature.ok_or(SignatureError::Unsigned)?.check(manifest, key)
}

/// Why a bundle could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The clock was not set.
    #[error("the clock says that it is before 2026; set it, as the signature would tell a wrong date")]
    Clock,
    /// The secret key needs a password.
    #[error("the secret key cannot be used ({0}); give the file that `minisign -G` made, and its password")]
    Key(minisign::PError),
    /// No signature came of it.
    #[error("the manifest cannot be signed ({0})")]
    Sign(minisign::PError),
    /// It came out wrong.
    #[error(transparent)]
    Damaged(#[from] SignatureError),
}

/// Signs a manifest with a secret key in minisign's format, which may have a password; it is asked for on the terminal where it is
/// needed and none is given. `name` is the bundle's and `now` the time, which the signature tells.
///
/// *Errors*: a clock that was not set, a key or password that is none.
pub fn sign(
    manifest: &[u8],
    name: &str,
    secret: &str,
    password: Option<String>,
    now: SystemTime,
) -> Result<Signature, SignError> {
    let since = now.duration_since(UNIX_EPOCH).ok().filter(|since| *since >= CLOCK_MIN).ok_or(SignError::Clock)?;
    let key = match open_plain(secret) {
        Some(key) => key,
        None => {
            SecretKeyBox::from_string(secret).and_then(|key| key.into_secret_key(password)).map_err(SignError::Key)?
        }
    };
    // A key without a password has no checksum: its public half tells whether it is whole.
    let public = PublicHalf::from_secret_key(&key).map_err(SignError::Key)?;
    let name = name.replace(|letter: char| letter.is_control(), " ");
    let comment = format!("timestamp:{} bundle:{name}", since.as_secs());
    let untrusted = FIRST_LINE.strip_prefix("untrusted comment: ");
    let signed = minisign::sign(Some(&public), &key, Cursor::new(manifest), Some(&comment), untrusted)
        .map_err(SignError::Sign)?;
    Ok(Signature::parse(signed.into_string().as_bytes())?)
}

/// A secret key that has no password; none where it has one, or is no key. The minisign tool leaves its checksum empty, which the
/// crate would take for damage.
fn open_plain(secret: &str) -> Option<SecretKey> {
    const NO_PASSWORD: [u8; 2] = [0, 0];
    let bytes = decode(secret.lines().nth(1)?.trim())?;
    let plain = bytes.len() == SECRET_KEY_BYTES && bytes[2..4] == NO_PASSWORD;
    plain.then(|| SecretKey::from_bytes(&bytes).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use minisign::KeyPair;

    const MANIFEST: &[u8] = b"{\"name\": \"small\"}";

    fn pair() -> (Key, String) {
        let pair = KeyPair::generate_unencrypted_keypair().unwrap();
        let public = pair.pk.to_box().unwrap().to_string();
        (Key::parse(&public).unwrap(), pair.sk.to_box(None).unwrap().to_string())
    }

    fn now() -> SystemTime {
        UNIX_EPOCH + CLOCK_MIN
    }

    fn signed(secret: &str) -> Signature {
        sign(MANIFEST, "small", secret, None, now()).unwrap()
    }

    #[test]
    fn given_a_signature_expect_only_its_key_and_manifest_to_fit() {
        let ((key, secret), (other, _)) = (pair(), pair());
        let signature = signed(&secret);
        assert_eq!((signature.check(MANIFEST, &key), signature.key()), (Ok(()), key.id()));
        assert_eq!(signature.comment(), "timestamp:1767225600 bundle:small");
        let wrong = SignatureError::OtherKey { signed: key.id(), trusted: other.id() };
        assert_eq!(signature.check(MANIFEST, &other), Err(wrong));
        assert_eq!(signature.check(b"another", &key), Err(SignatureError::Wrong { key: key.id() }));
    }

    #[test]
    fn given_any_bit_of_a_signature_flipped_expect_it_not_to_fit() {
        let (key, secret) = pair();
        let entry = signed(&secret).as_bytes().to_vec();
        for bit in 0..entry.len() * 8 {
            let mut flipped = entry.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let checked = Signature::parse(&flipped).and_then(|signature| signature.check(MANIFEST, &key));
            assert!(checked.is_err(), "bit {bit}: {}", String::from_utf8_lossy(&flipped));
        }
        for length in 0..entry.len() {
            assert!(Signature::parse(&entry[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn given_a_bundle_expect_a_device_to_take_a_demonstration_or_its_keys_own() {
        let ((key, secret), (other, _)) = (pair(), pair());
        let signature = signed(&secret);
        let of = |demonstration, signature, key| trust(demonstration, MANIFEST, signature, key);
        assert_eq!(of(true, None, None), Ok(()));
        assert_eq!(of(false, Some(&signature), Some(&key)), Ok(()));
        assert_eq!(of(false, None, Some(&key)), Err(SignatureError::Unsigned));
        assert_eq!(of(false, Some(&signature), None), Err(SignatureError::NoKey));
        assert!(matches!(of(false, Some(&signature), Some(&other)), Err(SignatureError::OtherKey { .. })));
    }

    #[test]
    fn given_a_clock_in_1970_expect_no_signature_and_checking_to_need_none() {
        let (_, secret) = pair();
        for clock in [UNIX_EPOCH, UNIX_EPOCH - Duration::from_secs(1), now() - Duration::from_secs(1)] {
            assert!(matches!(sign(MANIFEST, "small", &secret, None, clock), Err(SignError::Clock)));
        }
    }

    #[test]
    fn given_no_key_expect_an_error_and_no_panic() {
        for text in [
            "",
            "RW",
            "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO",
            "untrusted comment: x\n",
            "\u{e9}\u{e9}",
        ] {
            assert_eq!(Key::parse(text).map(|key| key.id()), Err(KeyError), "{text}");
            assert!(
                matches!(sign(MANIFEST, "small", text, Some(String::new()), now()), Err(SignError::Key(_))),
                "{text}"
            );
        }
        // Source: the key of minisign's own page, whose id its tool prints so.
        let key = Key::parse("RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3").unwrap();
        assert_eq!(key.id().to_string(), "E7620F1842B4E81F");
    }

    /// Made by the minisign tool of Debian 12 (0.11) with `minisign -G -W`, for this test and nothing else.
    const TOOLS_SECRET: &str = "RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAHi5WNMB6xYnCGBtgtGMrDKLqbs2ytogZwRje3w39bAdp3MM1ORUywUEOElJS+rkvFEPqt8PO+5K9xre3J9RbVivkTvjPMm83AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    const TOOLS_PUBLIC: &str = "RWQeLlY0wHrFiUEOElJS+rkvFEPqt8PO+5K9xre3J9RbVivkTvjPMm83";

    #[test]
    fn given_a_key_that_the_tool_made_without_password_expect_signatures_that_fit_and_none_by_a_spoilt_one() {
        let secret = format!("untrusted comment: minisign secret key\n{TOOLS_SECRET}\n");
        let key = Key::parse(TOOLS_PUBLIC).unwrap();
        assert_eq!(signed(&secret).check(MANIFEST, &key), Ok(()));
        // The letter lies in the secret half, which then is not that of the public half.
        let spoilt = secret.replacen(&TOOLS_SECRET[100..104], "AAAA", 1);
        assert!(matches!(sign(MANIFEST, "small", &spoilt, None, now()), Err(SignError::Sign(_))));
    }

    #[test]
    fn given_the_tools_file_expect_its_comment_line_replaced_and_the_rest_kept() {
        let (key, secret) = pair();
        let text = String::from_utf8(signed(&secret).as_bytes().to_vec()).unwrap();
        let of_tool = text.replace(FIRST_LINE, "untrusted comment: signature from minisign secret key");
        assert_eq!(Signature::of_tool(of_tool.as_bytes()).unwrap().check(MANIFEST, &key), Ok(()));
        assert!(Signature::of_tool(b"nothing").is_err());
    }

    proptest::proptest! {
        #[test]
        fn given_any_text_expect_no_signature_or_key_and_no_panic(text in "(untrusted comment: )?\\PC{0,40}(\nRU[A-Za-z0-9+/=é]{0,110})?(\ntrusted comment: x)?(\n[A-Za-z0-9+/=]{0,90})?\n?") {
            let key = Key::parse(TOOLS_PUBLIC).unwrap();
            let checked = Signature::of_tool(text.as_bytes()).and_then(|signature| signature.check(MANIFEST, &key));
            proptest::prop_assert!(checked.is_err());
            proptest::prop_assert!(Key::parse(&text).is_err());
        }
    }
}
