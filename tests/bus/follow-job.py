"""Follows a job to its end with GLib's D-Bus library, as a program with a window would: it asks for
nothing twice, and learns what happens from its proxies. argv: the bus, a URL, a local name.
"""

import sys

from gi.repository import Gio, GLib

BUS, URL, LOCAL = sys.argv[1:]
NAME, MANAGER = "org.dosvc1", "/org/dosvc1"
loop = GLib.MainLoop()


def say(*words):
    print(*words, flush=True)


def proxy_of(path, interface):
    return Gio.DBusProxy.new_sync(
        connection, Gio.DBusProxyFlags.NONE, None, NAME, path, interface, None
    )


def call(proxy, method, signature=None, *arguments):
    parameters = GLib.Variant(signature, arguments) if signature else None
    return proxy.call_sync(method, parameters, Gio.DBusCallFlags.NONE, -1, None).unpack()


def cached(name):
    return job.get_cached_property(name).unpack()


def kind_of(thing):
    return "file" if "/file/" in thing.get_object_path() else "job"


def on_object_added(_, thing):
    say("added", kind_of(thing))


def on_object_removed(_, thing):
    say("removed", kind_of(thing))
    if not objects.get_objects():
        loop.quit()


def on_properties_changed(_, changed, invalidated):
    changed = changed.unpack()
    if "DisplayName" in changed:
        say("name", cached("DisplayName"))
    if "CredentialSlots" in invalidated:
        say("slots", job.get_cached_property("CredentialSlots"))
    if changed.get("State") == "transferred":
        say("cached", cached("State"), cached("FilesTransferred"))
        job.call("Complete", None, Gio.DBusCallFlags.NONE, -1, None, None)


def on_signal(_, sender, signal, parameters):
    if signal == "StateChanged":
        say("state", parameters.unpack()[0])


def give_up():
    say("too late")
    sys.exit(1)


GLib.timeout_add_seconds(30, give_up)
connection = Gio.DBusConnection.new_for_address_sync(
    BUS,
    Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION,
    None,
    None,
)
manager = proxy_of(MANAGER, "org.dosvc1.Manager")
call(manager, "Subscribe", "(a{sv})", {})

objects = Gio.DBusObjectManagerClient.new_sync(
    connection, Gio.DBusObjectManagerClientFlags.NONE, NAME, MANAGER, None, None, None
)
objects.connect("object-added", on_object_added)
objects.connect("object-removed", on_object_removed)

(path,) = call(manager, "CreateJob", "(ssa{sv})", "window", "download", {})
job = proxy_of(path, "org.dosvc1.Job")
job.connect("g-properties-changed", on_properties_changed)
job.connect("g-signal", on_signal)
call(
    proxy_of(path, "org.freedesktop.DBus.Properties"),
    "Set",
    "(ssv)",
    "org.dosvc1.Job",
    "DisplayName",
    GLib.Variant("s", "renamed"),
)
word = {"user-name": GLib.Variant("s", "reader"), "password": GLib.Variant("s", "word")}
call(job, "SetCredentials", "(ssa{sv})", "server", "basic", word)
call(job, "AddFile", "(ssa{sv})", URL, LOCAL, {})
call(job, "Resume")
loop.run()
