// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "smtp_test.h"

extern "C" {
#include "app/smtp/command.h"
}

namespace
{

// What a listener offers unless it is told otherwise; nothing behind HELO.
constexpr smtp_extension_set kOffered = SMTP_EXTENSIONS_ALL & ~(1u << SMTP_SMTPUTF8);

// What a line means, in words: the verb and what it carries, or the reply that refuses it.
std::string Parse(const std::string &line, smtp_extension_set offered = kOffered)
{
    struct smtp_command c;
    enum smtp_command_error error = smtp_command_parse(line.data(), line.size(), offered, &c);
    if (error != SMTP_COMMAND_OK)
        return smtp_command_error_reply(error);
    std::string s = smtp_verb_name(c.verb);
    if (c.verb == SMTP_MAIL || c.verb == SMTP_RCPT)
        s += " <" + Text(c.path.address) + ">";
    if (c.argument.len > 0)
        s += " '" + Text(c.argument) + "'";
    if (c.verb == SMTP_BDAT)
        s += " " + std::to_string(c.chunk) + (c.last ? " last" : "");
    if (c.mail.size > 0)
        s += " size " + std::to_string(c.mail.size);
    if (c.mail.body != SMTP_BODY_UNSPECIFIED)
        s += c.mail.body == SMTP_BODY_7BIT       ? " 7bit"
             : c.mail.body == SMTP_BODY_8BITMIME ? " 8bitmime"
                                                 : " binarymime";
    if (c.mail.utf8)
        s += " utf8";
    if (c.mail.ret != SMTP_RET_UNSPECIFIED)
        s += c.mail.ret == SMTP_RET_FULL ? " full" : " hdrs";
    if (c.mail.envid.len > 0)
        s += " envid '" + Text(c.mail.envid) + "'";
    if (c.rcpt.notify != 0)
        s += " notify " + std::to_string(c.rcpt.notify);
    if (c.rcpt.orcpt.len > 0)
        s += " orcpt '" + Text(c.rcpt.orcpt) + "'";
    if (smtp_command_is_utf8(&c))
        s += " beyond ASCII";
    return s;
}

const char kSyntax[] = "501 5.5.4 Syntax error in parameters";
const char kUnrecognised[] = "500 5.5.2 Command not recognised";
const char kBadSender[] = "501 5.1.7 Bad sender address syntax";
const char kBadRecipient[] = "501 5.1.3 Bad recipient address syntax";
const char kUnknownParameter[] = "555 5.5.4 Unsupported parameter";
const char kBadParameter[] = "501 5.5.4 Bad parameter value";
const char kTooLong[] = "500 5.5.2 Line too long";
const char kBare[] = "500 5.5.2 Bare CR or LF in command";

// Lines of `C:` are parsed, each `S:` says what is expected of the one before.
void Converse(const std::string &script, smtp_extension_set offered = kOffered)
{
    std::string command;
    size_t at = 0;
    while (at < script.size()) {
        size_t end = script.find('\n', at);
        std::string line = script.substr(at, end - at);
        at = end + 1;
        if (line.rfind("C: ", 0) == 0) {
            command = line.substr(3);
        } else if (line.rfind("S: ", 0) == 0) {
            EXPECT_EQ(Parse(command, offered), line.substr(3)) << "C: " << command;
        } else {
            ADD_FAILURE() << "not a line of a conversation: " << line;
        }
    }
}

TEST(Command, UnderstandsAnOrdinaryConversation)
{
    Converse("C: EHLO client.example\n"
             "S: EHLO 'client.example'\n"
             "C: MAIL FROM:<alice@client.example> SIZE=1024 BODY=8BITMIME\n"
             "S: MAIL <alice@client.example> size 1024 8bitmime\n"
             "C: RCPT TO:<bob@example.com>\n"
             "S: RCPT <bob@example.com>\n"
             "C: RCPT TO:<Postmaster>\n"
             "S: RCPT <Postmaster>\n"
             "C: DATA\n"
             "S: DATA\n"
             "C: RSET\n"
             "S: RSET\n"
             "C: NOOP\n"
             "S: NOOP\n"
             "C: VRFY carol\n"
             "S: VRFY 'carol'\n"
             "C: EXPN staff\n"
             "S: 502 5.5.1 Command not implemented\n"
             "C: HELP\n"
             "S: HELP\n"
             "C: QUIT\n"
             "S: QUIT\n");
}

TEST(Command, UnderstandsAnOldClient)
{
    Converse("C: HELO client\n"
             "S: HELO 'client'\n"
             "C: mail from: <@relay.example:alice@client.example>\n"
             "S: MAIL <alice@client.example>\n"
             "C: rcpt   to:   <bob@example.com>   \n"
             "S: RCPT <bob@example.com>\n"
             "C: data \n"
             "S: DATA\n"
             "C: quit\t\n"
             "S: QUIT\n",
             false);
}

TEST(Command, KnowsVerbsInAnyCaseAndNothingLikeThem)
{
    EXPECT_EQ(Parse("dAtA"), "DATA");
    for (const char *bad :
         {"", " ", "\t", "D", "DAT", "DATAX", " DATA", "DATA\tX", "MAILFROM:<a@b>", "SEND",
          "STARTTLS", "BDATA 5", "XFORWARD", "GET / HTTP/1.1", "\xc3\xa9HLO x", "EHL\x00O"})
        EXPECT_EQ(Parse(bad), kUnrecognised) << bad;
}

TEST(Command, NamesTheVerbEvenWhenItRefusesTheLine)
{
    struct smtp_command c;
    EXPECT_EQ(smtp_command_parse("MAIL FROM:<a@b> SIZE=5 X", 24, kOffered, &c),
              SMTP_UNKNOWN_PARAMETER);
    EXPECT_EQ(c.verb, SMTP_MAIL);
    EXPECT_EQ(c.mail.size, 0u);
    EXPECT_EQ(c.path.address.len, 0u);
    EXPECT_EQ(smtp_command_parse("WHAT", 4, kOffered, &c), SMTP_UNRECOGNISED);
    EXPECT_EQ(c.verb, SMTP_UNKNOWN);
}

TEST(Command, RefusesArgumentsWhereThereAreNone)
{
    for (const char *verb : {"DATA", "RSET", "QUIT"})
        EXPECT_EQ(Parse(std::string(verb) + " now"), kSyntax) << verb;
}

TEST(Command, TakesAnyPrintableNameForHello)
{
    for (const char *name : {"client.example", "[192.0.2.1]", "[IPv6:2001:db8::1]", "my_pc",
                             "localhost", "192.0.2.1", "x(y)<z>\"", "front desk"})
        EXPECT_EQ(Parse(std::string("EHLO ") + name), "EHLO '" + std::string(name) + "'");
    EXPECT_EQ(Parse("EHLO"), kSyntax);
    EXPECT_EQ(Parse("HELO "), kSyntax);
    EXPECT_EQ(Parse("EHLO a\tb"), kSyntax);
    EXPECT_EQ(Parse("EHLO caf\xc3\xa9"), kSyntax);
    EXPECT_EQ(Parse(std::string("EHLO a\0b", 8)), kSyntax);
    EXPECT_EQ(Parse("EHLO " + std::string(255, 'x')), "EHLO '" + std::string(255, 'x') + "'");
    EXPECT_EQ(Parse("EHLO " + std::string(256, 'x')), kSyntax);
}

TEST(Command, WantsTextForVrfyButNotForNoopAndHelp)
{
    EXPECT_EQ(Parse("VRFY"), kSyntax);
    EXPECT_EQ(Parse("NOOP still there?"), "NOOP 'still there?'");
    EXPECT_EQ(Parse("HELP MAIL"), "HELP 'MAIL'");
    EXPECT_EQ(Parse("NOOP \x01"), kSyntax);
    EXPECT_EQ(Parse("HELP caf\xc3\xa9"), kSyntax);
}

TEST(Mail, TakesTheNullPath)
{
    EXPECT_EQ(Parse("MAIL FROM:<>"), "MAIL <>");
    EXPECT_EQ(Parse("MAIL FROM:<> SIZE=7"), "MAIL <> size 7");
}

TEST(Mail, NeedsAPathInBrackets)
{
    for (const char *bad : {"MAIL", "MAIL FROM", "MAIL FROM <a@b>", "MAIL <a@b>", "MAIL TO:<a@b>",
                            "MAIL FROM :<a@b>"})
        EXPECT_EQ(Parse(bad), kSyntax) << bad;
    for (const char *bad : {"MAIL FROM:", "MAIL FROM:a@b", "MAIL FROM:<a@b", "MAIL FROM:<a>",
                            "MAIL FROM:<postmaster>", "MAIL FROM:Alice <a@b>", "MAIL FROM:< >"})
        EXPECT_EQ(Parse(bad), kBadSender) << bad;
    EXPECT_EQ(Parse("MAIL FROM:<a@b>x"), kSyntax);
    EXPECT_EQ(Parse("MAIL FROM:<a@b>SIZE=1"), kSyntax);
    EXPECT_EQ(Parse("MAIL FROM:<a@b>\tSIZE=1"), kSyntax);
}

TEST(Rcpt, NeedsAPathInBracketsThatIsNotNull)
{
    EXPECT_EQ(Parse("RCPT"), kSyntax);
    EXPECT_EQ(Parse("RCPT FROM:<a@b>"), kSyntax);
    for (const char *bad : {"RCPT TO:", "RCPT TO:<>", "RCPT TO:a@b", "RCPT TO:<a@b", "RCPT TO:<a>",
                            "RCPT TO:<a@b@c>", "RCPT TO:<caf\xc3\xa9@b>"})
        EXPECT_EQ(Parse(bad), kBadRecipient) << bad;
}

TEST(Mail, ReadsTheDeclaredSize)
{
    EXPECT_EQ(Parse("MAIL FROM:<a@b> size=0"), "MAIL <a@b>");
    EXPECT_EQ(Parse("MAIL FROM:<a@b> SIZE=00000000000000000012"), "MAIL <a@b> size 12");
    EXPECT_EQ(Parse("MAIL FROM:<a@b> SIZE=18446744073709551615"),
              "MAIL <a@b> size 18446744073709551615");
    EXPECT_EQ(Parse("MAIL FROM:<a@b> SIZE=18446744073709551616"),
              "MAIL <a@b> size 18446744073709551615");
    EXPECT_EQ(Parse("MAIL FROM:<a@b> SIZE=99999999999999999999"),
              "MAIL <a@b> size 18446744073709551615");
    for (const char *bad : {"SIZE", "SIZE=x", "SIZE=-1", "SIZE=+1", "SIZE=1k", "SIZE=1,0",
                            "SIZE=000000000000000000001"})
        EXPECT_EQ(Parse(std::string("MAIL FROM:<a@b> ") + bad), kBadParameter) << bad;
    EXPECT_EQ(Parse("MAIL FROM:<a@b> SIZE="), kSyntax);
    EXPECT_EQ(Parse("MAIL FROM:<a@b> SIZE =1"), kBadParameter);
}

TEST(Mail, ReadsTheBodyType)
{
    EXPECT_EQ(Parse("MAIL FROM:<a@b> BODY=7BIT"), "MAIL <a@b> 7bit");
    EXPECT_EQ(Parse("MAIL FROM:<a@b> body=8bitMime"), "MAIL <a@b> 8bitmime");
    EXPECT_EQ(Parse("MAIL FROM:<a@b> BODY=BINARYMIME"), "MAIL <a@b> binarymime");
    EXPECT_EQ(Parse("MAIL FROM:<a@b> BODY=BINARYMIME", kOffered & ~(1u << SMTP_BINARYMIME)),
              kBadParameter);
    EXPECT_EQ(Parse("MAIL FROM:<a@b> BODY"), kBadParameter);
}

TEST(Parameters, AreRefusedWhenUnknownRepeatedOrMalformed)
{
    for (const char *unknown : {"SMTPUTF8", "AUTH=<>", "X-Y=z", "SIZES=1", "8BIT"})
        EXPECT_EQ(Parse(std::string("MAIL FROM:<a@b> ") + unknown), kUnknownParameter) << unknown;
    EXPECT_EQ(Parse("RCPT TO:<a@b> SIZE=1"), kUnknownParameter);
    EXPECT_EQ(Parse("MAIL FROM:<a@b> SIZE=1 SIZE=1"), kBadParameter);
    EXPECT_EQ(Parse("MAIL FROM:<a@b> BODY=7BIT SIZE=1 body=8BITMIME"), kBadParameter);
    for (const char *bad :
         {"=1", "-X=1", "SIZE=1=2", "S_ZE=1", "X=\x01", "X=\xc3\xa9", "X=a\tb", "<c@d>"})
        EXPECT_EQ(Parse(std::string("MAIL FROM:<a@b> ") + bad), kSyntax) << bad;
    EXPECT_EQ(Parse("MAIL FROM:<a@b>  SIZE=1  BODY=7BIT  "), "MAIL <a@b> size 1 7bit");
}

TEST(Parameters, AreForClientsThatSaidEhlo)
{
    EXPECT_EQ(Parse("MAIL FROM:<a@b> SIZE=1", 0), kUnknownParameter);
    EXPECT_EQ(Parse("MAIL FROM:<a@b>", 0), "MAIL <a@b>");
}

TEST(Limits, OfLinesAreTheirVerbs)
{
    EXPECT_EQ(Parse("NOOP " + std::string(505, 'x')), "NOOP '" + std::string(505, 'x') + "'");
    EXPECT_EQ(Parse("NOOP " + std::string(506, 'x')), kTooLong);
    EXPECT_EQ(Parse("NOOP" + std::string(506, ' ')), "NOOP");
    EXPECT_EQ(Parse("NOOP" + std::string(507, ' ')), kTooLong);
    EXPECT_EQ(Parse("MAIL FROM:<a@b>" + std::string(1007, ' ')), "MAIL <a@b>");
    EXPECT_EQ(Parse("MAIL FROM:<a@b>" + std::string(1008, ' ')), kTooLong);
    EXPECT_EQ(Parse(std::string(1022, 'x')), kUnrecognised);
    EXPECT_EQ(Parse(std::string(1023, 'x')), kTooLong);
}

TEST(Limits, OfRecipientsAreThoseOfRfc5321)
{
    std::string label(63, 'x'), domain = label + "." + label + "." + label; // 191 octets
    auto rcpt = [](const std::string &address) { return Parse("RCPT TO:<" + address + ">"); };
    EXPECT_EQ(rcpt(std::string(64, 'a') + "@b"), "RCPT <" + std::string(64, 'a') + "@b>");
    EXPECT_EQ(rcpt(std::string(65, 'a') + "@b"), "501 5.1.3 Local part too long");
    EXPECT_EQ(rcpt(std::string(62, 'a') + "@" + domain),
              "RCPT <" + std::string(62, 'a') + "@" + domain + ">");
    EXPECT_EQ(rcpt(std::string(63, 'a') + "@" + domain), "501 5.1.3 Path too long");
    EXPECT_EQ(rcpt("a@" + domain + "." + label), "501 5.1.3 Path too long");
    EXPECT_EQ(rcpt("a@" + domain + "." + label + ".x"), "501 5.1.3 Domain too long");
    EXPECT_EQ(rcpt("@" + domain + ":a@" + label), "501 5.1.3 Path too long");
}

TEST(Limits, OfSendersAreOnlyThatOfThePath)
{
    std::string label(63, 'x'), domain = label + "." + label + "." + label;
    auto mail = [](const std::string &address) { return Parse("MAIL FROM:<" + address + ">"); };
    std::string verp = "bounces+" + std::string(200, 'v') + "=example.com@list.example";
    EXPECT_EQ(mail(verp), "MAIL <" + verp + ">");
    EXPECT_EQ(mail(std::string(252, 'a') + "@b"), "MAIL <" + std::string(252, 'a') + "@b>");
    EXPECT_EQ(mail(std::string(253, 'a') + "@b"), "501 5.1.7 Sender address too long");
    EXPECT_EQ(mail("a@" + domain + "." + label + ".x"), "501 5.1.7 Sender address too long");
}

TEST(Command, RefusesBareNewlinesWhereverTheyAre)
{
    for (const char *bad :
         {"DATA\n", "DATA\r", "\rDATA", "NOOP a\rb", "RCPT TO:<\"a\nb\"@c>", "\n"})
        EXPECT_EQ(Parse(bad), kBare) << bad;
}

TEST(Errors, AreRepliesWithMatchingCodes)
{
    for (int e = SMTP_COMMAND_OK + 1; e < SMTP_COMMAND_ERROR_COUNT; e++) {
        std::string reply = smtp_command_error_reply(static_cast<enum smtp_command_error>(e));
        ASSERT_GT(reply.size(), 10u);
        EXPECT_EQ(reply[0], '5') << reply;
        EXPECT_EQ(reply.substr(3, 3), " 5.") << reply;
    }
}

// The length of the line, then whether it is bare: "7", "7 bare", "none".
std::string Line(const std::string &data)
{
    bool bare = true;
    size_t n = smtp_line_length(data.data(), data.size(), &bare);
    if (n == 0)
        return bare ? "none, bare" : "none";
    return std::to_string(n) + (bare ? " bare" : "");
}

TEST(Line, EndsInCrlf)
{
    EXPECT_EQ(Line("NOOP\r\n"), "6");
    EXPECT_EQ(Line("NOOP\r\nQUIT\r\n"), "6");
    EXPECT_EQ(Line("\r\n"), "2");
    EXPECT_EQ(Line(""), "none");
    EXPECT_EQ(Line("NOOP"), "none");
    EXPECT_EQ(Line("NOOP\r"), "none");
}

TEST(Line, IsBareWithStrayNewlinesOrNul)
{
    EXPECT_EQ(Line("NOOP\n"), "5 bare");
    EXPECT_EQ(Line("\n"), "1 bare");
    EXPECT_EQ(Line("\n\r\n"), "1 bare");
    EXPECT_EQ(Line("NO\rOP\r\n"), "7 bare");
    EXPECT_EQ(Line("NOOP\r\r\n"), "7 bare");
    EXPECT_EQ(Line(std::string("NO\0OP\r\n", 7)), "7 bare");
    EXPECT_EQ(Line("NOOP\r\nNO\rOP\r\n"), "6"); // the next line is not this one's fault
}

TEST(Command, TakesUtf8InPathsWhereSmtputf8WasOffered)
{
    // RFC 6531 §3.3, §3.4
    Converse("C: MAIL FROM:<\xc3\xa9t\xc3\xa9@caf\xc3\xa9.example> SMTPUTF8\n"
             "S: MAIL <\xc3\xa9t\xc3\xa9@caf\xc3\xa9.example> utf8 beyond ASCII\n"
             "C: MAIL FROM:<a@b> SMTPUTF8\n"
             "S: MAIL <a@b> utf8\n"
             "C: MAIL FROM:<a@b> SMTPUTF8=1\n"
             "S: 501 5.5.4 Bad parameter value\n"
             "C: MAIL FROM:<\xc3\xa9@b>\n"
             "S: 553 5.6.7 A sender beyond ASCII needs SMTPUTF8\n"
             "C: RCPT TO:<\"\xe2\x82\xac \xf0\x9f\x93\xa7\"@b>\n"
             "S: RCPT <\"\xe2\x82\xac \xf0\x9f\x93\xa7\"@b> beyond ASCII\n"
             "C: RCPT TO:<a@b> ORCPT=utf-8;\xc3\xa9@b\n"
             "S: RCPT <a@b> orcpt 'utf-8;\xc3\xa9@b' beyond ASCII\n"
             "C: RCPT TO:<a@b> ORCPT=rfc822;\xc3\xa9@b\n"
             "S: 501 5.5.4 Bad parameter value\n"
             "C: HELP \xc3\xa9\n"
             "S: 501 5.5.4 Syntax error in parameters\n",
             SMTP_EXTENSIONS_ALL);
    EXPECT_EQ(Parse("MAIL FROM:<a@b> SMTPUTF8"), kUnknownParameter);
    EXPECT_EQ(Parse("RCPT TO:<a@b> ORCPT=utf-8;\xc3\xa9@b"), kSyntax);
}

TEST(Command, TakesNoUtf8ThatIsNotWellFormed)
{
    for (const char *bad :
         {"\xc3", "\xa9", "\xc0\xaf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf",
          "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\xf0\x9f\x93",
          "\xc3(", "\xff", "\xfe"})
        for (const std::string &line :
             {"RCPT TO:<" + std::string(bad) + "@b>", "RCPT TO:<a@" + std::string(bad) + ">",
              "RCPT TO:<\"" + std::string(bad) + "\"@b>"})
            EXPECT_EQ(Parse(line, SMTP_EXTENSIONS_ALL), kBadRecipient) << line;
    for (const char *good : {"\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                             "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"})
        EXPECT_NE(Parse("RCPT TO:<" + std::string(good) + "@b>", SMTP_EXTENSIONS_ALL),
                  kBadRecipient);
}

TEST(Command, SaysHowManyOctetsOfAChunkFollow)
{
    // RFC 3030 §2
    Converse("C: BDAT 0\n"
             "S: BDAT 0\n"
             "C: bdat 1000 last\n"
             "S: BDAT 1000 last\n"
             "C: BDAT 18446744073709551614  LAST \n"
             "S: BDAT 18446744073709551614 last\n");
    for (const char *bad : {"BDAT", "BDAT LAST", "BDAT -1", "BDAT +1", "BDAT 0x10", "BDAT 1k",
                            "BDAT 5 FIRST", "BDAT 5 LAST LAST", "BDAT 5LAST",
                            "BDAT 18446744073709551615", "BDAT 000000000000000000001"})
        EXPECT_EQ(Parse(bad), kSyntax) << bad;
}

TEST(Command, UnderstandsWhatASenderWantsToBeToldOf)
{
    // RFC 3461 §4
    Converse("C: MAIL FROM:<a@b> RET=HDRS ENVID=QQ314159\n"
             "S: MAIL <a@b> hdrs envid 'QQ314159'\n"
             "C: MAIL FROM:<a@b> ret=full ENVID=a+2Bb+3D\n"
             "S: MAIL <a@b> full envid 'a+2Bb+3D'\n"
             "C: RCPT TO:<a@b> NOTIFY=NEVER\n"
             "S: RCPT <a@b> notify 1\n"
             "C: RCPT TO:<a@b> NOTIFY=success,Failure,DELAY ORCPT=rfc822;Bob@Example.COM\n"
             "S: RCPT <a@b> notify 14 orcpt 'rfc822;Bob@Example.COM'\n");
    for (const char *bad :
         {"MAIL FROM:<a@b> RET=ALL", "MAIL FROM:<a@b> ENVID=+2b", "MAIL FROM:<a@b> ENVID=+2",
          "RCPT TO:<a@b> NOTIFY=NEVER,SUCCESS", "RCPT TO:<a@b> NOTIFY=SUCCESS,",
          "RCPT TO:<a@b> NOTIFY=,SUCCESS", "RCPT TO:<a@b> NOTIFY=ALWAYS", "RCPT TO:<a@b> NOTIFY",
          "RCPT TO:<a@b> ORCPT=rfc822", "RCPT TO:<a@b> ORCPT=rfc822;", "RCPT TO:<a@b> ORCPT=;a@b",
          "RCPT TO:<a@b> ORCPT=rfc822;a+b", "RCPT TO:<a@b> ORCPT=x@y;a@b",
          "RCPT TO:<a@b> ORCPT=rfc822;a@b ORCPT=rfc822;a@b"})
        EXPECT_EQ(Parse(bad), kBadParameter) << bad;
    EXPECT_EQ(Parse("MAIL FROM:<a@b> ENVID=" + std::string(100, 'x')).substr(0, 4), "MAIL");
    EXPECT_EQ(Parse("MAIL FROM:<a@b> ENVID=" + std::string(101, 'x')), kBadParameter);
    EXPECT_EQ(Parse("RCPT TO:<a@b> ORCPT=rfc822;" + std::string(493, 'x')).substr(0, 4), "RCPT");
    EXPECT_EQ(Parse("RCPT TO:<a@b> ORCPT=rfc822;" + std::string(494, 'x')), kBadParameter);
    EXPECT_EQ(Parse("MAIL FROM:<a@b> NOTIFY=NEVER"), kUnknownParameter);
    EXPECT_EQ(Parse("RCPT TO:<a@b> NOTIFY=NEVER", kOffered & ~(1u << SMTP_DSN)), kUnknownParameter);
}

} // namespace
