//! The words of mail clients and mail writers, as they appear in a folded line: lower case, spaces single.

/// Tells whether the words stand in a text, not as a part of longer words; scripts without spaces have no such ends.
pub(super) fn contains_word(text: &str, words: &str) -> bool {
    let spaced =
        |character: Option<char>| character.is_some_and(|it| it.is_alphanumeric() && it < FIRST_UNSPACED);
    text.match_indices(words).any(|(at, _)| {
        let starts = !spaced(words.chars().next()) || !spaced(text[..at].chars().next_back());
        let ends = !spaced(words.chars().next_back()) || !spaced(text[at + words.len()..].chars().next());
        starts && ends
    })
}

/// A field of a header block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    From,
    Date,
    To,
    Subject,
}

/// What stands in an attribution for "wrote".
#[rustfmt::skip]
pub(super) const VERBS: &[&str] = &[
    "wrote", "writes", "schrieb", "schreibt", "a écrit", "écrit", "escribió", "escribio", "ha scritto",
    "scritto", "scrive", "escreveu", "va escriure", "ha escrit", "a scris", "schreef", "geschreven", "skrev",
    "skriver", "kirjoitti", "napisał", "napisała", "napisał(a)", "pisze", "napsal", "napsala", "napsal(a)",
    "napísal", "napísala", "napísal(a)", "пишет", "написал", "написала", "написал(а)", "писал", "писал(а)",
    "пише", "написав", "написала(в)", "ezt írta", "írta", "έγραψε", "yazdı", "đã viết", "menulis", "كتب",
    "כתב", "のメール", "のメッセージ", "書きました", "写道", "寫道", "작성", "쓴 글", "님이 씀", "missatge de", "wiadomość napisana",
    "skrev följande", "skrev følgende", "lo siguiente",
];

/// The names of the fields in a header block, by language.
#[rustfmt::skip]
pub(super) const FIELDS: &[(Field, &[&str])] = &[
    (Field::From, &[
        "from", "von", "de", "da", "van", "od", "från", "fra", "lähettäjä", "от", "отправитель", "від",
        "kimden", "gönderen", "feladó", "από", "差出人", "送信者", "发件人", "寄件者", "寄件人", "보낸 사람", "보낸사람", "מאת",
        "من", "từ", "dari", "expéditeur", "mittente", "remitente", "remetente",
    ]),
    (Field::Date, &[
        "sent", "date", "gesendet", "datum", "envoyé", "envoyé le", "enviado", "enviado el", "enviada em",
        "enviado em", "fecha", "inviato", "data", "verzonden", "wysłano", "wysłane", "skickat", "sendt",
        "dato", "lähetetty", "päiväys", "odesláno", "odoslané", "отправлено", "дата", "надіслано",
        "gönderildi", "gönderme tarihi", "tarih", "elküldve", "dátum", "στάλθηκε", "ημερομηνία", "送信日時", "日時",
        "日付", "发送时间", "日期", "傳送時間", "寄件日期", "보낸 날짜", "날짜", "trimis", "נשלח", "تاريخ الإرسال", "đã gửi",
        "ngày", "dikirim", "tanggal",
    ]),
    (Field::To, &[
        "to", "cc", "an", "à", "para", "a", "aan", "do", "till", "til", "vastaanottaja", "kopie", "copie",
        "kopia", "komu", "кому", "копия", "копія", "kime", "bilgi", "címzett", "προς", "către", "宛先", "收件人",
        "收件者", "抄送", "받는 사람", "받는사람", "참조", "אל", "إلى", "đến", "kepada",
    ]),
    (Field::Subject, &[
        "subject", "betreff", "objet", "asunto", "oggetto", "assunto", "onderwerp", "temat", "ämne", "emne",
        "aihe", "předmět", "predmet", "тема", "konu", "tárgy", "θέμα", "subiect", "assumpte", "件名", "主题",
        "主題", "主旨", "제목", "נושא", "الموضوع", "chủ đề", "subjek", "perihal",
    ]),
];

/// What stands between rules above the message that is answered (or passed on).
#[rustfmt::skip]
pub(super) const ORIGINAL: &[&str] = &[
    "original message", "reply message", "ursprüngliche nachricht", "original-nachricht", "originalnachricht",
    "antwort nachricht", "message d'origine", "message original", "mensaje original", "messaggio originale",
    "mensagem original", "oorspronkelijk bericht", "wiadomość oryginalna", "oryginalna wiadomość",
    "ursprungligt meddelande", "originalmeddelande", "oprindelig meddelelse", "oprindelig besked",
    "oprindelig e-mail", "original besked", "opprinnelig melding", "alkuperäinen viesti", "původní zpráva",
    "původní e-mail", "pôvodná správa", "исходное сообщение", "оригинальное сообщение", "eredeti üzenet",
    "αρχικό μήνυμα", "mesaj original", "mesajul original", "orijinal mesaj", "özgün ileti", "pesan asli",
    "元のメッセージ", "原始邮件", "原始郵件", "邮件原件", "원본 메시지", "원본 메일", "ursprungligt mejl",
];

/// What stands between rules above a message that is passed on.
#[rustfmt::skip]
pub(super) const FORWARDED: &[&str] = &[
    "forwarded message", "weitergeleitete nachricht", "message transféré", "mensaje reenviado",
    "messaggio inoltrato", "mensagem encaminhada", "mensagem reencaminhada", "doorgestuurd bericht",
    "przekazana wiadomość", "wiadomość przekazana dalej", "treść przekazanej wiadomości",
    "vidarebefordrat meddelande", "videresendt meddelelse", "videresendt melding", "välitetty viesti",
    "edelleenlähetetty viesti", "přeposlaná zpráva", "preposlaná správa", "пересылаемое сообщение",
    "пересланное сообщение", "перенаправленное сообщение", "пересланий лист", "továbbított levél",
    "προωθημένο μήνυμα", "mesaj redirecționat", "iletilmiş mesaj", "yönlendirilen ileti",
    "tin nhắn đã chuyển tiếp", "pesan yang diteruskan", "転送メッセージ", "转发的邮件", "转发邮件", "轉寄郵件", "轉寄的郵件",
    "전달된 메시지", "הודעה שהועברה", "رسالة معاد توجيهها",
];

/// The same on a line without rules.
#[rustfmt::skip]
pub(super) const FORWARDED_LINES: &[&str] = &[
    "begin forwarded message:", "anfang der weitergeleiteten nachricht:", "début du message réexpédié :",
    "début du message transféré :", "inicio del mensaje reenviado:", "inizio messaggio inoltrato:",
    "início da mensagem reencaminhada:", "início da mensagem encaminhada:", "begin doorgestuurd bericht:",
    "początek przekazywanej wiadomości:", "vidarebefordrat brev:", "start på videresendt besked:",
    "videresendt melding:", "välitetty viesti alkaa:", "začátek přeposílané zprávy:",
    "начало переадресованного сообщения:", "iletilen ileti başlangıcı:", "転送されたメッセージ:", "以下是转发的邮件:",
    "以下是轉寄的郵件:", "전달된 메시지 시작:",
];

/// What people say above a message that they pass on, or that they have written into.
#[rustfmt::skip]
pub(super) const KEEP_WITH: &[&str] = &[
    "fyi", "forwarding", "i forward", "see below", "below", "inline", "in-line", "in red", "in blue",
    "zur info", "zur information", "zur kenntnis", "zur kenntnisnahme", "z.k.", "z. k.", "siehe unten",
    "s.u.", "unten", "weitergeleitet", "anbei die mail", "im text", "in rot", "in blau", "pour info",
    "pour information", "ci-dessous", "je transfère", "je vous transfère", "en rouge", "para su información",
    "para tu información", "para información", "abajo", "a continuación", "reenvío", "en rojo",
    "per conoscenza", "per informazione", "qui sotto", "di seguito", "inoltro", "in rosso",
    "para conhecimento", "abaixo", "encaminho", "reencaminho", "em vermelho", "ter info", "ter informatie",
    "ter kennisgeving", "zie onder", "hieronder", "in het rood", "do wiadomości", "poniżej",
    "przesyłam dalej", "na czerwono", "för kännedom", "se nedan", "nedan", "til orientering", "til info",
    "se nedenfor", "nedenfor", "tiedoksi", "na vědomí", "viz níže", "níže", "přeposílám", "для информации",
    "к сведению", "ниже", "пересылаю", "bilginize", "aşağıda", "参考まで", "下記", "以下", "転送します", "供参考", "见下", "下面",
    "转发", "轉寄", "참고하세요", "아래", "katso alla", "ks. alla",
];

/// What closes a message above the writer's name.
#[rustfmt::skip]
pub(super) const CLOSINGS: &[&str] = &[
    "best", "best regards", "kind regards", "regards", "warm regards", "best wishes", "cheers", "thanks",
    "many thanks", "thank you", "sincerely", "yours sincerely", "sincerely yours", "yours faithfully",
    "mit freundlichen grüßen", "mit freundlichem gruß", "freundliche grüße", "viele grüße", "beste grüße",
    "herzliche grüße", "liebe grüße", "schöne grüße", "gruß", "mfg", "cordialement", "bien cordialement",
    "bien à vous", "salutations", "sincères salutations", "amicalement", "saludos", "saludos cordiales",
    "un saludo", "un cordial saludo", "atentamente", "cordiali saluti", "distinti saluti", "un saluto",
    "saluti", "grazie", "atenciosamente", "cumprimentos", "com os melhores cumprimentos", "obrigado",
    "obrigada", "abraços", "met vriendelijke groet", "met vriendelijke groeten", "vriendelijke groet",
    "groet", "groeten", "pozdrawiam", "z poważaniem", "z wyrazami szacunku", "med vänlig hälsning",
    "med vänliga hälsningar", "vänliga hälsningar", "hälsningar", "med venlig hilsen", "venlig hilsen", "mvh",
    "med vennlig hilsen", "vennlig hilsen", "hilsen", "ystävällisin terveisin", "terveisin", "s pozdravem",
    "s úctou", "с уважением", "с наилучшими пожеланиями", "з повагою", "üdvözlettel", "cu stimă",
    "με εκτίμηση", "saygılarımla", "saygılarımızla", "iyi çalışmalar", "trân trọng", "salam", "よろしくお願いいたします",
    "敬具", "此致", "顺祝商祺", "祝好", "감사합니다",
];

/// How the line of a mobile client begins.
#[rustfmt::skip]
pub(super) const MOBILE_STARTS: &[&str] = &[
    "sent from", "sent via", "sent with", "sent by", "get outlook for", "download outlook for", "von meinem",
    "gesendet von", "gesendet mit", "envoyé de", "envoyé depuis", "envoyé avec", "obtenez outlook pour",
    "télécharger outlook pour", "téléchargez outlook pour", "enviado desde", "enviado do", "enviado de",
    "enviado a partir", "enviado con", "enviado com", "enviado mediante", "obtener outlook para",
    "obter o outlook para", "inviato da", "inviato dal", "scarica outlook per", "ottieni outlook per",
    "verstuurd vanaf", "verzonden vanaf", "verzonden met", "wysłane z", "wysłano z",
    "pobierz aplikację outlook", "skickat från", "hämta outlook för", "sendt fra", "hent outlook til",
    "skaff deg outlook for", "lähetetty", "hanki outlook", "odesláno z", "odoslané z", "získat outlook pro",
    "отправлено с", "отправлено из", "надіслано з", "elküldve", "trimis de pe", "στάλθηκε από", "发自", "從我的",
    "从我的", "iphoneから", "ipadから", "androidから",
];

/// How the line of a mobile client ends, where it does not begin by the words above.
#[rustfmt::skip]
pub(super) const MOBILE_ENDS: &[&str] = &[
    "gesendet", "gesendet.", "gönderildi", "から送信", "から送信されました", "傳送", "发送", "에서 보냄", "küldve", "gönderildi.",
    "beziehen", "herunter", "downloaden",
];

/// What the line of a mobile client names.
#[rustfmt::skip]
pub(super) const DEVICES: &[&str] = &[
    "iphon", "ipad", "ipod", "android", "galaxy", "samsung", "huawei", "xiaomi", "redmi", "pixel",
    "blackberry", "nokia", "outlook", "windows", "proton", "gmail", "yahoo", "web.de", "gmx", "mailbird",
    "k-9", "k9", "fairemail", "thunderbird", "spark", "smartphone", "mobile", "mobil", "handy", "phone",
    "tablet", "móvil", "móviles", "telefon", "telefono", "téléphone", "apple watch", "мобильного",
    "мобильной", "яндекс", "mail.ru", "手机", "ios", "mac",
];

/// A legal notice says that it is secret, and what to do if it went astray.
#[rustfmt::skip]
pub(super) const SECRET: &[&str] = &[
    "confidential", "privileged", "vertraulich", "confidentiel", "confidencial", "confidenciales", "riservat",
    "vertrouwelijk", "poufn", "konfidentiel", "fortrolig", "luottamuksel", "důvěrn", "конфиденциальн",
    "gizli", "機密", "机密", "保密", "기밀",
];

/// See [`SECRET`].
#[rustfmt::skip]
pub(super) const ASTRAY: &[&str] = &[
    "intended recipient", "addressee", "in error", "by mistake", "delete", "adressat", "empfänger",
    "irrtümlich", "löschen", "destinataire", "par erreur", "destinatario", "por error", "per errore",
    "destinatário", "por engano", "geadresseerde", "abusievelijk", "adresat", "mottagare", "modtager",
    "mottaker", "vastaanottaj", "adresát", "omylem", "получател", "по ошибке", "alıcı", "yanlışlıkla", "誤って",
    "收件人", "误收", "수신인",
];

/// What a text calls a code that it hands over.
#[rustfmt::skip]
pub(super) const CODE_WORDS: &[&str] = &[
    "code", "codes", "passcode", "pin", "otp", "one-time password", "one time password", "verification",
    "bestätigungscode", "sicherheitscode", "verifizierungscode", "anmeldecode", "einmalcode", "zugangscode",
    "kennwort", "einmalpasswort", "mtan", "código", "codigo", "clave", "codice",
    "mot de passe à usage unique", "codi", "cod", "verificatiecode", "inlogcode", "beveiligingscode",
    "toegangscode", "kod", "kodu", "kodem", "kodunuz", "kód", "kódu", "koden", "kode", "koodi", "koodisi",
    "vahvistuskoodi", "vahvistuskoodisi", "verifieringskod", "säkerhetskod", "engångskod", "bekræftelseskode",
    "engangskode", "sikkerhetskode", "код", "коду", "кода", "пароль", "пін-код", "κωδικός", "mã",
    "mã xác nhận", "קוד", "رمز", "رمز التحقق", "認証コード", "確認コード", "コード", "パスコード", "暗証番号", "验证码", "驗證碼", "校验码",
    "动态码", "인증번호", "인증 번호", "인증코드", "인증 코드", "확인 코드", "코드",
];

/// What a text calls a number that is none.
#[rustfmt::skip]
pub(super) const NO_CODE_WORDS: &[&str] = &[
    "order", "invoice", "ticket", "reference", "ref", "tracking", "zip", "postal code", "zip code",
    "postcode", "area code", "error code", "status code", "discount code", "promo code",
    "coupon code", "voucher code", "booking code", "source code", "tel", "call", "fax", "version",
    "room", "rfc", "copyright", "bestellung", "bestellnummer", "rechnung", "rechnungsnummer", "kundennummer",
    "vorgang", "aktenzeichen", "telefon", "plz", "postleitzahl", "fehlercode", "commande", "facture",
    "téléphone", "tél", "code postal", "pedido", "factura", "teléfono", "código postal", "ordine", "fattura",
    "telefono", "codice postale", "fatura", "encomenda", "telefone", "bestelling", "factuur", "telefoon",
    "zamówienie", "faktura", "beställning", "bestilling", "tilaus", "lasku", "objednávka", "заказ", "счёт",
    "счет", "телефон", "sipariş", "注文番号", "電話", "订单", "订单号", "订单编号", "电话", "邮编", "주문번호", "주문 번호", "전화",
    "account number", "account no", "customer number", "customer no", "phone number", "mobile number",
    "case number", "numéro de compte", "número de cuenta", "service client",
];

/// Hangul, kana and Han come from here on.
pub(super) const FIRST_UNSPACED: char = '\u{1100}';

#[cfg(test)]
mod tests {
    use super::super::line::fold;
    use super::*;

    #[test]
    fn words_are_whole_words() {
        assert!(contains_word("bob wrote:", "wrote"));
        assert!(!contains_word("bob rewrote:", "wrote"));
        assert!(contains_word("周一 10:12写道:", "写道"));
        assert!(contains_word("jan napisał(a):", "napisał(a)"));
    }

    #[test]
    fn the_tables_are_folded() {
        let fields = FIELDS.iter().flat_map(|(_, names)| names.iter());
        let tables =
            [VERBS, ORIGINAL, FORWARDED, FORWARDED_LINES, KEEP_WITH, CLOSINGS, MOBILE_STARTS, MOBILE_ENDS];
        for words in
            tables.into_iter().flatten().chain([DEVICES, SECRET, ASTRAY].into_iter().flatten()).chain(fields)
        {
            assert_eq!(fold(words), **words);
        }
    }
}
