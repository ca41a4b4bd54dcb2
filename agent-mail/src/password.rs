//! Passwords that no one has to remember.

use secrecy::SecretString;

/// Makes a password of letters and digits around a hyphen, with at least one of each class that Mailcow's policy may ask
/// for; over 180 random bits.
///
/// # Panics
/// If the operating system has no random numbers to give.
pub(crate) fn generate() -> SecretString {
    generate_of(RANDOM)
}

/// Makes such a password of at least `length` letters and digits, and never less than 32.
///
/// # Panics
/// If the operating system has no random numbers to give.
pub(crate) fn generate_of(length: usize) -> SecretString {
    let length = length.max(RANDOM);
    loop {
        let mut password = String::with_capacity(length + 1);
        while password.len() < length {
            let mut random = [0_u8; 64];
            getrandom::fill(&mut random).expect("the operating system gives random numbers");
            // 62 of 64 values are taken and the rest drawn again, so that each character is equally likely.
            let fair = random.iter().map(|b| usize::from(b & 63)).filter(|at| *at < ALPHABET.len());
            password.extend(fair.take(length - password.len()).map(|at| char::from(ALPHABET[at])));
        }
        // The mark makes the fourth class; it stands where no tool takes it for an option or a quote.
        password.insert(length / 2, '-');
        let has = |class: fn(&char) -> bool| password.chars().any(|c| class(&c));
        if has(char::is_ascii_lowercase) && has(char::is_ascii_uppercase) && has(char::is_ascii_digit) {
            return SecretString::from(password);
        }
    }
}

/// How many characters each has.
pub(crate) const LENGTH: usize = RANDOM + 1;
const RANDOM: usize = 32;
const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn each_is_strong_and_its_own() {
        let passwords: HashSet<String> = (0..1000).map(|_| generate().expose_secret().to_owned()).collect();
        assert_eq!(passwords.len(), 1000);
        for password in passwords {
            assert_eq!(password.len(), LENGTH);
            assert!(password.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
            assert!(password.contains(|c: char| c.is_ascii_uppercase()));
            assert!(password.contains(|c: char| c.is_ascii_lowercase()));
            assert!(password.contains(|c: char| c.is_ascii_digit()));
        }
    }
}
