// SPDX-License-Identifier: BSD-3-Clause
// The control socket and what is said on it, with real clients on a real Unix socket.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

extern "C" {
#include "app/control/protocol.h"
#include "app/control/socket.h"
}

namespace
{

class ControlSocket : public ::testing::Test
{
  protected:
    void SetUp() override
    {
        char name[] = "/tmp/splitmx-socket-XXXXXX";
        ASSERT_NE(mkdtemp(name), nullptr);
        directory_ = name;
        path_ = directory_ + "/run/control";
        static const protocol_command commands[] = {
            {"echo", echo, {"text", "flag"}},
            {"later", later, {nullptr}},
            {"many", many, {"names"}},
        };
        protocol_ = {};
        protocol_.commands = commands;
        protocol_.command_count = 3;
        protocol_.user = this;
        open();
    }

    void TearDown() override
    {
        for (int fd : clients_)
            close(fd);
        socket_close(socket_);
        EXPECT_NE(access(path_.c_str(), F_OK), 0);
        rmdir((directory_ + "/run").c_str());
        rmdir(directory_.c_str());
    }

    void open()
    {
        socket_config config = {path_.c_str(), 0600, protocol_line, &protocol_};
        const char *why = nullptr;
        socket_ = socket_open(&config, &why);
        ASSERT_NE(socket_, nullptr) << why;
    }

    int connect_client()
    {
        sockaddr_un address = {};
        address.sun_family = AF_UNIX;
        strcpy(address.sun_path, path_.c_str());
        int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr *>(&address), sizeof(address)), 0);
        clients_.push_back(fd);
        serve();
        return fd;
    }

    void serve()
    {
        for (int i = 0; i < 10; i++)
            socket_serve(socket_, now_);
    }

    void say(int fd, const std::string &text)
    {
        size_t done = 0;
        while (done < text.size()) {
            ssize_t n = send(fd, text.data() + done, text.size() - done, MSG_NOSIGNAL);
            if (n > 0)
                done += static_cast<size_t>(n);
            else if (errno != EAGAIN)
                return;
            socket_serve(socket_, now_);
        }
        serve();
    }

    // All that has come; "<closed>" at its end if the other end is gone.
    std::string hear(int fd)
    {
        std::string all;
        char buf[65536];
        for (;;) {
            ssize_t n = recv(fd, buf, sizeof(buf), 0);
            if (n > 0) {
                all.append(buf, static_cast<size_t>(n));
                socket_serve(socket_, now_);
            } else {
                return n == 0 ? all + "<closed>" : all;
            }
        }
    }

    std::string ask(int fd, const std::string &line)
    {
        say(fd, line + "\n");
        return hear(fd);
    }

    uint64_t count(socket_counter counter) const
    {
        return socket_counters(socket_)[counter];
    }

    static void echo(void *, call *call)
    {
        const char *text = "nothing";
        bool flag = false;
        if (call_text(call, "text", false, &text) && call_flag(call, "flag", &flag))
            call_answer(call, json_pack("{s:s, s:b}", "text", text, "flag", flag ? 1 : 0));
    }

    static void later(void *user, call *call)
    {
        static_cast<ControlSocket *>(user)->waiting_.push_back(call);
        call_progress(call, "wait %d", 1);
    }

    static void many(void *, call *call)
    {
        json_t *names;
        if (call_texts(call, "names", &names))
            call_answer(call, json_integer(static_cast<json_int_t>(json_array_size(names))));
    }

    std::string directory_, path_;
    control_socket *socket_ = nullptr;
    protocol protocol_ = {};
    uint64_t now_ = 1000;
    std::vector<int> clients_;
    std::vector<call *> waiting_;
};

TEST_F(ControlSocket, AnswersALineWithALine)
{
    int fd = connect_client();
    EXPECT_EQ(ask(fd, R"({"do":"echo","id":7,"text":"x","flag":true})"),
              R"({"id":7,"ok":{"text":"x","flag":true}})"
              "\n");
    EXPECT_EQ(ask(fd, R"({"do":"echo"})"), R"({"ok":{"text":"nothing","flag":false}})"
                                           "\n");
}

TEST_F(ControlSocket, AnswersEachOfSeveralLinesHoweverTheyAreCut)
{
    std::string lines;
    for (int i = 0; i < 50; i++)
        lines += R"({"do":"echo","id":)" + std::to_string(i) + "}\n";
    int whole = connect_client(), cut = connect_client();
    say(whole, lines);
    for (char c : lines)
        say(cut, std::string(1, c));
    EXPECT_EQ(hear(whole), hear(cut));
    EXPECT_EQ(count(SOCKET_LINES), 100u);
}

TEST_F(ControlSocket, SaysWhatIsWrongAndWhatIsAllowed)
{
    int fd = connect_client();
    const struct {
        const char *line, *code, *text;
    } cases[] = {
        {"nonsense", "bad-json", "allowed: one JSON object a line"},
        {"", "bad-json", "allowed"},
        {"[1]", "bad-json", "it is no object"},
        {R"({"do":"echo","do":"many"})", "bad-json", "duplicate"},
        {R"({"id":1})", "unknown-command", "\\\"do\\\" is missing; allowed: echo, later, many"},
        {R"({"do":5})", "unknown-command", "missing"},
        {R"({"do":"ecko"})", "unknown-command", "is ecko; allowed: echo"},
        {R"({"do":"echo","txt":"x"})", "bad-request", "echo does not know \\\"txt\\\""},
        {R"({"do":"echo","text":5})", "bad-request", "\\\"text\\\" is of a wrong type"},
        {R"({"do":"echo","flag":"yes"})", "bad-request", "allowed: true, false"},
        {R"({"do":"many"})", "bad-request", "\\\"names\\\" is missing; allowed: a list of texts"},
        {R"({"do":"many","names":["a",1]})", "bad-request", "of a wrong type"},
    };
    for (const auto &c : cases) {
        std::string said = ask(fd, c.line);
        EXPECT_NE(said.find(std::string("\"code\":\"") + c.code), std::string::npos) << said;
        EXPECT_NE(said.find(c.text), std::string::npos) << said;
    }
    EXPECT_EQ(protocol_.errors[PROTOCOL_BAD_JSON], 4u);
    EXPECT_EQ(protocol_.errors[PROTOCOL_BAD_REQUEST], 5u);
    EXPECT_EQ(ask(fd, R"({"do":"many","names":["a","b"]})"), "{\"ok\":2}\n");
}

TEST_F(ControlSocket, AnswersLaterAndOutOfOrder)
{
    int fd = connect_client();
    EXPECT_EQ(ask(fd, R"({"do":"later","id":"a"})"), R"({"id":"a","progress":"wait 1"})"
                                                     "\n");
    EXPECT_EQ(ask(fd, R"({"do":"echo","id":"b"})"),
              R"({"id":"b","ok":{"text":"nothing","flag":false}})"
              "\n");
    call_answer(waiting_[0], json_true());
    EXPECT_EQ(hear(fd), R"({"id":"a","ok":true})"
                        "\n");
}

TEST_F(ControlSocket, KeepsAnAnswerForAClientThatHasSaidAllItHasToSay)
{
    int fd = connect_client();
    say(fd, R"({"do":"later"})"
            "\n");
    shutdown(fd, SHUT_WR);
    serve();
    EXPECT_EQ(hear(fd), R"({"progress":"wait 1"})"
                        "\n");
    call_answer(waiting_[0], json_true());
    serve();
    EXPECT_EQ(hear(fd), "{\"ok\":true}\n<closed>");
}

TEST_F(ControlSocket, OutlivesAClientThatGoesBeforeItsAnswer)
{
    int fd = connect_client();
    say(fd, R"({"do":"later"})"
            "\n");
    close(fd);
    clients_.clear();
    serve();
    call_answer(waiting_[0], json_true());
    EXPECT_EQ(ask(connect_client(), R"({"do":"many","names":[]})"), "{\"ok\":0}\n");
}

TEST_F(ControlSocket, KnowsWhoAsks)
{
    int fd = connect_client();
    say(fd, R"({"do":"later"})"
            "\n");
    EXPECT_EQ(peer_credentials(waiting_[0]->peer)->pid, getpid());
    EXPECT_EQ(peer_credentials(waiting_[0]->peer)->uid, getuid());
    call_answer(waiting_[0], json_true());
}

TEST_F(ControlSocket, HasTheModeThatWasAskedFor)
{
    struct stat file;
    ASSERT_EQ(stat(path_.c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 0777, 0600u);
}

TEST_F(ControlSocket, EndsAClientWhoseLineHasNoEnd)
{
    int fd = connect_client();
    std::string much(1 << 20, 'x');
    for (int i = 0; i < 40; i++)
        say(fd, much);
    std::string said = hear(fd);
    EXPECT_NE(said.find("too-long"), std::string::npos);
    EXPECT_EQ(count(SOCKET_TOO_LONG), 1u);
    EXPECT_EQ(ask(connect_client(), R"({"do":"many","names":[]})"), "{\"ok\":0}\n");
}

TEST_F(ControlSocket, EndsAClientThatDoesNotReadItsAnswers)
{
    int fd = connect_client();
    std::string line = R"({"do":"echo","text":")" + std::string(1 << 20, 'x') + "\"}\n";
    for (int i = 0; i < 80 && count(SOCKET_SLOW) == 0; i++)
        say(fd, line);
    EXPECT_EQ(count(SOCKET_SLOW), 1u);
    EXPECT_EQ(ask(connect_client(), R"({"do":"many","names":[]})"), "{\"ok\":0}\n");
}

TEST_F(ControlSocket, EndsASilentClientButNotOneThatIsOwedAnAnswer)
{
    int silent = connect_client(), owed = connect_client();
    say(owed, R"({"do":"later"})"
              "\n");
    now_ += SOCKET_SILENCE + 1;
    serve();
    EXPECT_EQ(hear(silent), "<closed>");
    call_answer(waiting_[0], json_true());
    EXPECT_NE(hear(owed).find("\"ok\""), std::string::npos);
    EXPECT_EQ(count(SOCKET_SILENT), 1u);
}

TEST_F(ControlSocket, RefusesMoreClientsThanItHasRoomFor)
{
    for (unsigned i = 0; i < SOCKET_CLIENTS; i++)
        connect_client();
    int fd = connect_client();
    EXPECT_NE(hear(fd).find("too many clients"), std::string::npos);
    close(clients_[0]);
    clients_.erase(clients_.begin());
    serve();
    EXPECT_EQ(ask(connect_client(), R"({"do":"many","names":[]})"), "{\"ok\":0}\n");
}

TEST_F(ControlSocket, TakesThePlaceOfOneThatWasKilledButNotOfOneThatLives)
{
    socket_config config = {path_.c_str(), 0600, protocol_line, &protocol_};
    const char *why = nullptr;
    EXPECT_EQ(socket_open(&config, &why), nullptr);
    EXPECT_NE(std::string(why).find("another program"), std::string::npos);

    std::string dead = directory_ + "/run/dead";
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    strcpy(address.sun_path, dead.c_str());
    int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr *>(&address), sizeof(address)), 0);
    ASSERT_EQ(::listen(fd, 1), 0);
    close(fd);
    config.path = dead.c_str();
    control_socket *heir = socket_open(&config, &why);
    EXPECT_NE(heir, nullptr) << why;
    socket_close(heir);
}

TEST_F(ControlSocket, DoesNotReplaceAFileThatIsNoSocket)
{
    std::string path = directory_ + "/run/file";
    close(::open(path.c_str(), O_CREAT | O_WRONLY, 0600));
    socket_config config = {path.c_str(), 0600, protocol_line, &protocol_};
    const char *why = nullptr;
    EXPECT_EQ(socket_open(&config, &why), nullptr);
    EXPECT_EQ(access(path.c_str(), F_OK), 0);
    unlink(path.c_str());
}

} // namespace
