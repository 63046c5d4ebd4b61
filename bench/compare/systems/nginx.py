# SPDX-License-Identifier: BSD-3-Clause
"""nginx's mail proxy: it speaks SMTP up to the first RCPT, asks an HTTP server where to go, then passes bytes on."""
import os

from .base import System

CONFIG = """\
load_module @MODULES@/ngx_mail_module.so;
daemon off;
user root;
worker_processes 1;
worker_rlimit_nofile @FILES@;
pid @DIRECTORY@/nginx.pid;
error_log @DIRECTORY@/mail.log info;
events { worker_connections @CONNECTIONS@; }
http {
    access_log off;
    client_body_temp_path @DIRECTORY@/body;
    proxy_temp_path @DIRECTORY@/proxy;
    fastcgi_temp_path @DIRECTORY@/fastcgi;
    uwsgi_temp_path @DIRECTORY@/uwsgi;
    scgi_temp_path @DIRECTORY@/scgi;
    server {
        listen 127.0.0.1:8080;
        location / {
            add_header Auth-Status OK;
            add_header Auth-Server @SINK@;
            add_header Auth-Port 25;
            return 200 "";
        }
    }
}
mail {
    auth_http 127.0.0.1:8080/;
    server_name mx.test;
    xclient off;
    smtp_auth none;
    smtp_capabilities PIPELINING 8BITMIME "SIZE 52428800";
    server {
        listen @ADDRESS@:25;
        protocol smtp;
        timeout 60s;
    }
}
"""


class Nginx(System):
    title = "nginx, mail proxy"
    does = "reads the first envelope, passes bytes on"
    log_of = "connection"

    def start(self):
        binary = self.unpacked("usr/sbin/nginx")
        modules = os.path.dirname(self.unpacked("usr/lib/nginx/modules/ngx_mail_module.so"))
        self.launch(binary, "-p", self.directory, "-c", self.write("nginx.conf", CONFIG, modules=modules))

    def is_record(self, line):
        return " proxied session done" in line
