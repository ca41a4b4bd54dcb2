//! Mails as services send them: the first code found is the one to type in, or there is none.

use mail_access::quote::codes;

#[test]
fn the_first_code_is_the_one_to_type_in() {
    for (code, mail) in WITH_CODE {
        let found = codes(mail);
        assert_eq!(found.first().map(|code| code.value()), Some(*code), "{mail}");
    }
}

#[test]
fn mails_without_a_code_have_none() {
    for mail in WITHOUT_CODE {
        let found: Vec<String> = codes(mail).iter().map(|code| code.value().to_owned()).collect();
        assert_eq!(found, [""; 0], "{mail}");
    }
}

const WITH_CODE: &[(&str, &str)] = &[
    (
        "204917",
        "Hi Ada,\n\nYou are signing in to Example from a new device in Leeds on 12 March 2025 at 09:03 (UTC).\n\n\
         Verification code\n\n204917\n\nThis code expires in 15 minutes. If this wasn't you, call +44 113 496 0000 or \
         visit https://example.org/help/100200.\n\nExample Ltd, 12 High Street, LS1 4AP Leeds\n\u{a9} 2025",
    ),
    ("7741", "Your Example PIN is 7741. Valid until 10:30. Ref 99812034."),
    ("830244", "<#> 830244 is your Example code. Never share it.\nFA+9qCX9VSu"),
    (
        "K4XD-92PQ",
        "To finish, enter this code on your television:\n\n    K4XD-92PQ\n\nYour order 55210098 of 24.90 EUR is ready.",
    ),
    (
        "519026",
        "Guten Tag,\n\nIhre Bestellnummer ist 4471902.\nIhr Sicherheitscode für die Anmeldung am 06.05.2024:\n\n519 026\n\n\
         Der Code gilt 10 Minuten.\nTelefon 0221 4960000",
    ),
    (
        "630518",
        "Bonjour,\n\nVoici votre code de sécurité :\n630518\n\nIl expire dans 10 minutes.\nService client : 01 49 60 00 00",
    ),
    (
        "445901",
        "Hola:\n\nUsa el código 445901 para iniciar sesión. Caduca en 5 minutos.\nPedido 20250312, importe 1500,00 €.",
    ),
    ("118273", "Ciao,\n\nil codice di verifica per il tuo account è: 118273\n\nVia Roma 12, 20121 Milano"),
    ("093377", "Uw eenmalige inlogcode: 093377\n\nFactuur 2025001 volgt later."),
    ("902114", "Здравствуйте!\n\nКод подтверждения: 902114\n\nЗаказ 5550123 будет доставлен 12.03.2025."),
    ("371509", "【Example】验证码:371509,5分钟内有效。订单号 2025031200。"),
    ("660218", "ログイン用の認証コードをお送りします。\n\n660218\n\n有効期限は10分です。電話 03-0000-0000"),
    ("281940", "인증번호 [281940]를 입력해 주세요. 주문번호 20250312001"),
    ("572093", "Giriş kodunuz 572093. Kimseyle paylaşmayın."),
];

const WITHOUT_CODE: &[&str] = &[
    "Hi,\n\nplease review my code until 12.03.2025, the ticket is 482913.\n\nAda",
    "Your order 20250312 has been shipped. Tracking number 00340434161094042557.",
    "Invoice 2025-0042: 1,500.00 EUR, payable within 30 days to account 12345678.",
    "The library has 120000 books and opens at 10:15 on 6 May 2024.",
    "Click https://example.org/verify?code=482913 to verify your address. The link works for 24 hours.",
    "Call me on +44 113 496 0000, the source code is on page 2024.",
    "Die Postleitzahl ist 80331, der Fehlercode war 5005.",
];
